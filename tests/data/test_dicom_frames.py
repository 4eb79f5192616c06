from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    JPEG2000Lossless,
    LegacyConvertedEnhancedCTImageStorage,
)

from data.made import save_enhanced, save_series, thorax
from hagan.data.dicom import read_series
from hagan.data.formats import read_as_stored, read_scan
from hagan.data.scans import find_scans
from hagan.errors import ScanError


def refused(tmp_path: Path, change: Callable[[Dataset], None]) -> str:
    with pytest.raises(ScanError) as caught:
        read_series([save_enhanced(tmp_path / "all.dcm", change=change)], "sub-017")
    assert str(caught.value).split()[1] == "sub-017:"
    return str(caught.value)


@pytest.mark.parametrize("angle", [0, 20])
def test_a_multi_frame_object_is_the_volume_of_its_slices(tmp_path: Path, angle: float) -> None:
    turn = np.radians(angle)
    axes = (1, 0, 0, 0, float(np.cos(turn)), float(np.sin(turn)))
    order = np.random.default_rng(angle).permutation(12)
    one = read_series([save_enhanced(tmp_path / "all.dcm", axes=axes, order=order)], "scan")
    many = read_series(list(save_series(tmp_path / "s", axes=axes).iterdir()), "scan")
    np.testing.assert_array_equal(one.voxels, thorax())
    np.testing.assert_array_equal(one.voxels, many.voxels)
    np.testing.assert_allclose(one.affine, many.affine)
    assert one.modality == "ct"


def test_one_file_is_a_scan_by_itself_and_in_a_folder(tmp_path: Path) -> None:
    path = save_enhanced(tmp_path / "cohort" / "sub-01" / "all.dcm")
    voxels = read_scan(path).voxels
    (scan,) = find_scans(tmp_path / "cohort")
    assert (scan.name, scan.fault) == ("sub-01", None)
    np.testing.assert_array_equal(scan.read().voxels, voxels)
    with pytest.raises(ScanError, match=r"E104 .*give the folder"):
        read_as_stored(next(save_series(tmp_path / "s").iterdir()))


def test_frames_that_are_compressed(tmp_path: Path) -> None:
    def change(data: Dataset) -> None:
        data.compress(JPEG2000Lossless)

    hu = thorax((4, 64, 64))
    path = save_enhanced(tmp_path / "all.dcm", hu, change=change)
    np.testing.assert_array_equal(read_series([path], "scan").voxels, hu)


def test_mr_and_converted_objects(tmp_path: Path) -> None:
    mr = read_series([save_enhanced(tmp_path / "mr.dcm", kind=EnhancedMRImageStorage)], "scan")
    assert mr.modality == "mr"
    path = save_enhanced(tmp_path / "old.dcm", kind=LegacyConvertedEnhancedCTImageStorage)
    assert read_series([path], "scan").modality == "ct"


def test_a_frame_that_was_lost_is_a_gap(tmp_path: Path) -> None:
    def change(data: Dataset) -> None:
        pixels = data.PixelData
        size = data.Rows * data.Columns * 2
        data.PixelData = pixels[: 5 * size] + pixels[6 * size :]
        del data.PerFrameFunctionalGroupsSequence[5]
        data.NumberOfFrames = 11

    message = refused(tmp_path, change)
    assert message.startswith("E112 sub-017: slice gap 5 mm at z=-102.5 (expected 2.5). 1 slice")


def test_time_points_in_one_object(tmp_path: Path) -> None:
    def change(data: Dataset) -> None:
        for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
            frame.PlanePositionSequence[0].ImagePositionPatient[2] = 2.5 * (number // 3)

    message = refused(tmp_path, change)
    assert message.startswith("E104")
    assert "3 images at every position" in message


@pytest.mark.parametrize(
    ("code", "keyword", "value"),
    [
        ("E108", "PerFrameFunctionalGroupsSequence", []),
        ("E101", "PixelData", b"\0" * 100),
        ("E107", "NumberOfFrames", 2**20),
        ("E108", "SharedFunctionalGroupsSequence", []),
    ],
)
def test_what_an_object_lacks(tmp_path: Path, code: str, keyword: str, value: object) -> None:
    assert refused(tmp_path, lambda data: setattr(data, keyword, value)).startswith(code)


def test_a_ct_without_rescale_in_its_groups(tmp_path: Path) -> None:
    def change(data: Dataset) -> None:
        del data.PerFrameFunctionalGroupsSequence[4].PixelValueTransformationSequence

    assert refused(tmp_path, change).startswith("E116")


def test_a_classic_object_has_one_frame(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.NumberOfFrames = 2

    with pytest.raises(ScanError, match=r"E104 .*2 frames in one file"):
        read_series(list(save_series(tmp_path / "s", change=change).iterdir()), "sub-017")

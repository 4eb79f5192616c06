from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data.made import save_nifti, save_series, save_thorax, thorax
from hagan.data.formats import read_scan, stem_of, suffix_of, write_scan
from hagan.data.volume import CANONICAL_AXES, Volume
from hagan.errors import ScanError, UsageError


def refused(path: Path) -> str:
    with pytest.raises(ScanError) as caught:
        read_scan(path)
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "suffix", "stem"),
    [
        ("sub-01_T1w.nii.gz", ".nii.gz", "sub-01_T1w"),
        ("a.b.NII", ".nii", "a.b"),
        ("1.2.840.113", ".113", "1.2.840.113"),
        ("norm.mgz", ".mgz", "norm"),
        ("IM0001", "", "IM0001"),
    ],
)
def test_suffix_and_stem(name: str, suffix: str, stem: str) -> None:
    assert suffix_of(Path(name)) == suffix
    assert stem_of(Path(name)) == stem


def test_every_format_gives_the_same_volume(tmp_path: Path) -> None:
    from_dicom = read_scan(save_series(tmp_path / "series"))
    names = ("a.nii", "b.nii.gz", "c.npy")
    for name in names:
        write_scan(from_dicom, tmp_path / name)
        again = read_scan(tmp_path / name)
        np.testing.assert_array_equal(again.voxels, thorax())
        np.testing.assert_allclose(again.affine, from_dicom.affine, atol=1e-5)
        assert nib.aff2axcodes(again.affine) == CANONICAL_AXES


def test_unknown_formats_are_named(tmp_path: Path) -> None:
    (tmp_path / "scan.xyz").touch()
    assert refused(tmp_path / "scan.xyz") == "E103"
    volume = Volume(np.zeros((2, 2, 2), np.float32), np.eye(4))
    with pytest.raises(UsageError, match=r"\.nii\.gz"):
        write_scan(volume, tmp_path / "scan.xyz")


def test_a_folder_must_hold_one_series(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == "E110"
    save_series(tmp_path / "two" / "a")
    save_series(tmp_path / "two" / "b")
    assert refused(tmp_path / "two") == "E111"
    assert refused(next((tmp_path / "two" / "a").iterdir())) == "E104"


def test_nan_infinity_and_blank_scans_are_refused(tmp_path: Path) -> None:
    voxels = thorax().astype(np.float32)
    assert refused(save_nifti(tmp_path / "blank.nii", voxels * 0)) == "E106"
    for value in (np.nan, np.inf):
        voxels[1, 2, 3] = value
        assert refused(save_nifti(tmp_path / "odd.nii", voxels)) == "E105"


def test_affines_without_meaning_are_refused(tmp_path: Path) -> None:
    tiny, sheared, infinite = np.diag([1e-5, 1, 1, 1.0]), np.eye(4), np.eye(4)
    sheared[0, 1] = 0.3
    infinite[1, 3] = np.inf
    for affine in (tiny, sheared, infinite):
        path = save_thorax(tmp_path / "scan.nii")
        image = nib.load(path)
        header = image.header.copy()
        header["srow_x"], header["srow_y"], header["srow_z"] = affine[:3]
        header["vox_offset"] = 352
        path.write_bytes(
            header.binaryblock + b"\0" * 4 + np.asarray(image.dataobj).tobytes(order="F")
        )
        assert refused(path) == "E108"

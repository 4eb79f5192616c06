from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000Lossless,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
)

from data.made import Change, save_series, thorax
from hagan.data.dicom import read_series
from hagan.data.dicom_pixels import AIR_HU
from hagan.data.volume import Volume
from hagan.errors import ScanError


def read(folder: Path) -> Volume:
    return read_series(list(folder.iterdir()), "sub-017")


def refused(tmp_path: Path, change: Change) -> str:
    with pytest.raises(ScanError) as caught:
        read(save_series(tmp_path / "series", change=change))
    assert "sub-017" in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_hounsfield_units_and_geometry_are_those_of_the_slices(tmp_path: Path) -> None:
    volume = read(save_series(tmp_path / "s", spacing=(2.5, 0.8, 0.7), origin=(-10, -20, -112.5)))
    np.testing.assert_array_equal(volume.voxels, thorax())
    assert volume.modality == "ct"
    assert volume.spacing == (2.5, 0.8, 0.7)
    # DICOM's left, back, head are negative, negative, positive in RAS.
    np.testing.assert_allclose(volume.affine @ (0, 0, 0, 1), (10, 20, -112.5, 1))
    np.testing.assert_allclose(volume.affine @ (2, 3, 4, 1), (10 - 2.8, 20 - 2.4, -107.5, 1))


def test_an_oblique_series_keeps_its_direction(tmp_path: Path) -> None:
    angle = np.radians(25)
    axes = (1, 0, 0, 0, np.cos(angle), np.sin(angle))
    volume = read(save_series(tmp_path / "s", axes=axes, spacing=(3, 1, 1), origin=(0, 0, 0)))
    np.testing.assert_allclose(volume.spacing, (3, 1, 1))
    normal_lps = np.array([0, -np.sin(angle), np.cos(angle)])
    np.testing.assert_allclose(volume.affine[:3, 0], 3 * normal_lps * (-1, -1, 1), atol=1e-6)
    np.testing.assert_allclose(volume.affine[:3, 1], (0, -axes[4], axes[5]), atol=1e-6)


def test_every_slice_has_its_own_rescale(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        stored = thorax()[number].astype(np.int32) + 1024 + 10 * number
        data.RescaleIntercept = -1024 - 10 * number
        data.PixelData = stored.astype(np.uint16).tobytes()

    np.testing.assert_array_equal(read(save_series(tmp_path / "s", change=change)).voxels, thorax())


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_decoded(tmp_path: Path, syntax: str) -> None:
    hu = thorax((4, 64, 64))
    folder = save_series(tmp_path / "s", hu, change=lambda data, _: data.compress(syntax))
    np.testing.assert_array_equal(read(folder).voxels, hu)


def test_declared_padding_is_air(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        pixels = np.frombuffer(data.PixelData, np.uint16).reshape(24, 20).astype(np.int32)
        pixels[:3] = 63536 - 65536
        data.PixelRepresentation, data.PixelPaddingValue = 1, -2000
        data.PixelData = pixels.astype(np.int16).tobytes()

    volume = read(save_series(tmp_path / "s", change=change))
    assert (volume.voxels[:, :3] == AIR_HU).all()
    np.testing.assert_array_equal(volume.voxels[:, 3:], thorax()[:, 3:])


def test_mr_needs_no_rescale(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.SOPClassUID = MRImageStorage
        del data.RescaleSlope, data.RescaleIntercept

    volume = read(save_series(tmp_path / "s", change=change))
    assert volume.modality == "mr"
    np.testing.assert_array_equal(volume.voxels, thorax().astype(np.float32) + 1024)


def test_ct_without_rescale_would_be_wrong_by_1024(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        if number == 4:
            del data.RescaleIntercept

    assert refused(tmp_path, change).startswith("E116")


def test_ct_that_is_not_in_hounsfield_units_is_refused(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.RescaleType = "US"

    assert refused(tmp_path, change).startswith("E116")


def test_two_missing_slices_are_counted_and_placed(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s")
    by_position = sorted(folder.iterdir(), key=lambda p: pydicom.dcmread(p).InstanceNumber)
    by_position[5].unlink()
    by_position[6].unlink()
    with pytest.raises(ScanError) as caught:
        read(folder)
    assert str(caught.value).startswith(
        "E112 sub-017: slice gap 7.5 mm at z=-102.5 (expected 2.5). 2 slices missing."
    )


def test_uneven_spacing(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[2] += 0.4 if number == 5 else 0

    message = refused(tmp_path, change)
    assert message.startswith("E112")
    assert "Uneven" in message


def test_positions_rounded_to_two_decimals_are_no_fault(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[2] = round(0.625 * number, 2)

    volume = read(save_series(tmp_path / "s", spacing=(0.625, 0.8, 0.7), change=change))
    assert volume.spacing[0] == pytest.approx(0.625, abs=1e-3)


def test_a_duplicate_and_a_copy(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        if number == 5:
            data.ImagePositionPatient[2] -= 2.5

    assert refused(tmp_path, change).startswith("E113")
    folder = save_series(tmp_path / "again")
    (folder / "copy.dcm").write_bytes(next(folder.iterdir()).read_bytes())
    with pytest.raises(ScanError, match=r"^E113 .*the same image twice .*copy\.dcm"):
        read(folder)


def test_two_echoes_in_one_series_are_not_a_duplicate(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[2] = -100 + 2.5 * (number // 2)

    message = refused(tmp_path, change)
    assert message.startswith("E104")
    assert "2 images at every position" in message


def test_a_tilted_gantry_says_its_angle(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[1] += 2.5 * np.tan(np.radians(15)) * number

    assert refused(tmp_path, change).startswith("E114 sub-017: gantry tilted by 15.0 degrees")


def test_a_table_that_moved_sideways(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[0] += 3 if number > 6 else 0

    assert refused(tmp_path, change).startswith("E115")


@pytest.mark.parametrize("element", ["orientation", "size", "spacing"])
def test_slices_that_differ_are_not_stacked(tmp_path: Path, element: str) -> None:
    def change(data: Dataset, number: int) -> None:
        if number != 5:
            return
        if element == "orientation":
            data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        elif element == "spacing":
            data.PixelSpacing = [0.8, 0.8]
        else:
            data.Rows = 20
            data.PixelData = data.PixelData[: 20 * 20 * 2]

    message = refused(tmp_path, change)
    assert message.startswith("E115")
    assert element in message


def test_what_is_not_ct_or_mr_is_refused(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.SOPClassUID = PositronEmissionTomographyImageStorage

    assert refused(tmp_path, change).startswith("E119")


def test_colour_is_refused(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.PhotometricInterpretation = "PALETTE COLOR"

    assert refused(tmp_path, change).startswith("E119")


@pytest.mark.parametrize(
    "keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_without_a_place_there_is_no_volume(tmp_path: Path, keyword: str) -> None:
    def change(data: Dataset, number: int) -> None:
        if number == 3:
            delattr(data, keyword)

    message = refused(tmp_path, change)
    assert message.startswith("E108")
    assert keyword in message


def test_a_header_bomb_allocates_nothing(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.Rows = data.Columns = 65535

    assert refused(tmp_path, change).startswith("E107")


def test_an_unknown_transfer_syntax(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s")
    for path in folder.iterdir():
        known, unknown = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"
        path.write_bytes(path.read_bytes().replace(known, unknown))
    with pytest.raises(ScanError, match="E118"):
        read(folder)


def test_a_slice_that_is_cut_short(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s")
    path = sorted(folder.iterdir())[3]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ScanError, match=rf"^E101 sub-017: {path.name}: cut short"):
        read(folder)


def test_two_slices_are_no_volume(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="E104"):
        read(save_series(tmp_path / "s", thorax()[:2]))


def test_damage_anywhere_in_a_header_never_escapes_as_another_error(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s", thorax((4, 24, 20)))
    path = sorted(folder.iterdir())[1]
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole) - 960, 3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read(folder)
        except ScanError:  # any other error fails the test
            refused += 1
    assert refused > 0

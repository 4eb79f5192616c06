from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from data.made import Change, save_series
from hagan.config.data import ReadConfig
from hagan.data.dicom import read_series
from hagan.data.dicom_pixels import AIR_HU
from hagan.data.formats import read_as_stored
from hagan.data.volume import Volume
from hagan.errors import ScanError

SPACING = (2.5, 1.0, 0.8)


def ramp(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """A volume that is linear along every axis: linear interpolation must give it back."""
    d, h, w = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    return (40 * d + 7 * h - 3 * w).astype(np.int16)


def read(folder: Path, **mend: str) -> Volume:
    return read_series(list(folder.iterdir()), "sub-017", ReadConfig(**mend))


def without(folder: Path, *gone: int) -> Path:
    for path in list(folder.iterdir()):
        if pydicom.dcmread(path).InstanceNumber - 1 in gone:
            path.unlink()
    return folder


def test_missing_slices_are_interpolated_where_they_were(tmp_path: Path) -> None:
    hu = ramp((14, 8, 6))
    whole = read(save_series(tmp_path / "whole", hu, spacing=SPACING))
    folder = without(save_series(tmp_path / "s", hu, spacing=SPACING), 3, 7, 8)
    with pytest.raises(ScanError, match=r"E112 .* 3 slices missing.*--on-gap interpolate"):
        read(folder)
    mended = read(folder, on_gap="interpolate")
    np.testing.assert_allclose(mended.voxels, whole.voxels, atol=1e-3)
    np.testing.assert_allclose(mended.affine, whole.affine, atol=1e-9)
    assert mended.mended == ("3 of 14 slices interpolated",)
    assert whole.mended == ()


def test_uneven_slices_come_onto_even_places(tmp_path: Path) -> None:
    """Slices 3 mm apart whose last five are 2 mm apart, of an object that is linear in z."""
    places = np.concatenate([np.arange(10) * 3.0, 27 + 2.0 * np.arange(1, 6)])
    hu = np.broadcast_to((10 * places)[:, None, None], (15, 8, 6)).astype(np.int16)

    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[2] = float(places[number])

    volume = read(save_series(tmp_path / "s", hu, change=change), on_gap="interpolate")
    z = volume.affine[2, 3] + volume.affine[2, 0] * np.arange(volume.shape[0])
    assert z[0] == 0
    assert z[-1] == pytest.approx(37)
    np.testing.assert_allclose(volume.voxels[:, 4, 3], 10 * z, atol=0.5)
    assert "interpolated" in volume.mended[0]


def test_too_many_in_a_row_are_never_made_up(tmp_path: Path) -> None:
    folder = without(save_series(tmp_path / "s", ramp((16, 8, 6))), 5, 6, 7, 8)
    with pytest.raises(ScanError, match=r"E112 .*4 slices missing in a row"):
        read(folder, on_gap="interpolate")


def tilt(degrees: float) -> Change:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[1] += SPACING[0] * np.tan(np.radians(degrees)) * number

    return change


@pytest.mark.parametrize("degrees", [15.0, -8.0])
def test_a_tilted_gantry_is_sheared_straight(tmp_path: Path, degrees: float) -> None:
    """Every slice shows a bright disc at the same place of the room."""
    shape, centre = (12, 60, 40), np.array([12.0, 30.0])
    rows, columns = np.meshgrid(np.arange(60) * 1.0, np.arange(40) * 0.8, indexing="ij")
    shift = SPACING[0] * np.tan(np.radians(degrees))
    away = [
        (columns - centre[0]) ** 2 + (rows + number * shift - centre[1]) ** 2
        for number in range(shape[0])
    ]
    hu = np.where(np.array(away) < 64, 40, -900).astype(np.int16)
    change = tilt(degrees)
    folder = save_series(tmp_path / "s", hu, spacing=SPACING, origin=(0, 0, 0), change=change)
    with pytest.raises(ScanError, match=r"E114 .*--on-tilt shear"):
        read(folder)
    volume = read(folder, on_tilt="shear")
    assert volume.mended == (f"gantry tilt of {abs(degrees):.1f} degrees sheared straight",)
    # Straight: the disc's centre of mass is at the same place of the world in every slice.
    bright = np.clip(volume.voxels + 900, 0, None)
    index = np.indices(volume.shape[1:]).reshape(2, -1)
    for number, plane in enumerate(bright):
        at = index @ plane.ravel() / plane.sum()
        world = volume.affine @ (number, *at, 1)
        np.testing.assert_allclose(world[:3], (-12, -30, 2.5 * number), atol=0.15)
    assert np.allclose(volume.affine[:3, 0], (0, 0, 2.5))
    # Nothing of any slice is lost, and what was never scanned is air.
    assert volume.shape[1] >= 60 + abs(shift) * 11
    assert (volume.voxels == AIR_HU).any()
    np.testing.assert_allclose(bright.sum(axis=(1, 2)), (hu + 900).sum(axis=(1, 2)), rtol=0.02)


def test_tilt_and_gap_together(tmp_path: Path) -> None:
    hu = np.broadcast_to(ramp((12, 1, 1)), (12, 40, 30)).astype(np.int16)
    folder = without(save_series(tmp_path / "s", hu, spacing=SPACING, change=tilt(10)), 6)
    volume = read(folder, on_gap="interpolate", on_tilt="shear")
    assert len(volume.mended) == 2
    assert volume.shape[0] == 12
    inside = volume.voxels[:, 8:38, 3:27]
    np.testing.assert_allclose(inside, np.broadcast_to(hu[:, :1, :1], inside.shape), atol=1e-3)


def test_a_table_that_moved_is_no_tilt(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[0] += 3 if number > 6 else 0

    with pytest.raises(ScanError, match=r"E115"):
        read(save_series(tmp_path / "s", change=change), on_tilt="shear")


def test_what_is_right_is_left_alone(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s")
    mended = read_as_stored(folder, reading=ReadConfig(on_gap="interpolate", on_tilt="shear"))
    np.testing.assert_array_equal(mended.voxels, read_as_stored(folder).voxels)
    assert mended.mended == ()

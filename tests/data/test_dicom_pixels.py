from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from data.made import Change, save_series, thorax
from hagan.config.data import ReadConfig
from hagan.data.dicom import read_series
from hagan.data.dicom_pixels import AIR_HU
from hagan.errors import ScanError


def read(tmp_path: Path, change: Change, **mend: bool) -> NDArray[np.float32]:
    files = list(save_series(tmp_path / "s", change=change).iterdir())
    return read_series(files, "sub-017", ReadConfig(**mend)).voxels


def store(data: Dataset, values: NDArray[np.int32], *, bits: int, signed: bool) -> None:
    """Put values into the pixels, in as many bits as are given."""
    allocated = 8 if bits <= 8 else 16
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, bits, bits - 1
    data.PixelRepresentation = int(signed)
    kind = f"{'' if signed else 'u'}int{allocated}"
    packed = values.astype(kind).tobytes()
    data.PixelData = packed + b"\0" * (len(packed) % 2)


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (12, True), (16, True)])
def test_every_width_and_sign_gives_the_same_units(tmp_path: Path, bits: int, signed: bool) -> None:
    # 8 bits hold 256 values, so there a step is 16 HU.
    step = 16 if bits == 8 else 1

    def change(data: Dataset, number: int) -> None:
        hu = np.clip(thorax()[number].astype(np.int32), -1024, 1000)
        intercept = 0 if signed else -1024
        store(data, (hu - intercept) // step, bits=bits, signed=signed)
        data.RescaleSlope, data.RescaleIntercept = step, intercept

    hu = np.clip(thorax().astype(np.int32), -1024, 1000)
    expected = hu if step == 1 else (hu + 1024) // step * step - 1024
    np.testing.assert_array_equal(read(tmp_path, change), expected)


def test_bits_above_those_that_are_stored_do_not_count(tmp_path: Path) -> None:
    """Old scanners keep an overlay in the bits above the twelve of the image."""

    def change(data: Dataset, number: int) -> None:
        values = np.clip(thorax()[number].astype(np.int32) + 1024, 0, 4095)
        values[::3, ::2] |= 0x8000
        data.PixelData = values.astype(np.uint16).tobytes()
        data.BitsStored, data.HighBit = 12, 11

    np.testing.assert_array_equal(read(tmp_path, change), np.clip(thorax(), -1024, 3071))


def test_monochrome1_is_how_a_ct_is_shown_and_not_what_it_holds(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.PhotometricInterpretation = "MONOCHROME1"

    np.testing.assert_array_equal(read(tmp_path, change), thorax())


@pytest.mark.parametrize("signed", [False, True])
def test_an_mr_in_monochrome1_is_bright_where_it_is_shown_bright(
    tmp_path: Path, signed: bool
) -> None:
    shown = np.abs(thorax().astype(np.int32))

    def change(data: Dataset, number: int) -> None:
        data.SOPClassUID = MRImageStorage
        data.PhotometricInterpretation = "MONOCHROME1"
        dark = -shown[number] if signed else 4095 - shown[number]
        store(data, dark, bits=12, signed=signed)
        data.RescaleSlope, data.RescaleIntercept = 2, 3

    voxels = read(tmp_path, change)
    # The zero of an MR is arbitrary; what is shown brighter must be higher, by the true amount.
    np.testing.assert_array_equal(voxels - voxels.min(), 2.0 * (shown - shown.min()))


def test_padding_of_a_range(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        values = thorax()[number].astype(np.int32) + 1024
        values[:3] = 4090
        values[3:5] = 4093
        data.PixelData = values.astype(np.uint16).tobytes()
        data.PixelPaddingValue, data.PixelPaddingRangeLimit = 4095, 4090

    voxels = read(tmp_path, change)
    assert (voxels[:, :5] == AIR_HU).all()
    np.testing.assert_array_equal(voxels[:, 5:], thorax()[:, 5:])


def test_units_are_assumed_only_when_asked(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        del data.RescaleSlope, data.RescaleIntercept
        store(data, thorax()[number].astype(np.int32), bits=16, signed=True)

    with pytest.raises(ScanError, match=r"E116 .*--assume-hu"):
        read(tmp_path / "a", change)
    np.testing.assert_array_equal(read(tmp_path / "b", change, assume_hu=True), thorax())


@pytest.mark.parametrize(("slope", "intercept"), [(0, -1024), (-1, -1024), (1e300, 1e300)])
def test_a_rescale_that_cannot_be(tmp_path: Path, slope: float, intercept: object) -> None:
    def change(data: Dataset, number: int) -> None:
        data.RescaleSlope, data.RescaleIntercept = slope, intercept

    with pytest.raises(ScanError, match="E116"):
        read(tmp_path, change)

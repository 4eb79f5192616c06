"""Decoding the pixels of DICOM objects, and what their numbers mean: rescale, padding, grey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ImplicitVRLittleEndian

from hagan.data.dicom_frames import MAX_FRAMES
from hagan.data.volume import Modality
from hagan.errors import ScanError

AIR_HU = -1024.0
"""What the padding outside a CT's reconstruction circle becomes."""

MAX_PIXELS = 2**26
"""More pixels than any slice has; a header that declares more is damaged or hostile."""

MAX_VOXELS = 2**31
"""More than any scanner makes."""

MAX_INTENSITY = 1e9
"""A rescale beyond it is damaged."""


def decode(dataset: Any, where: str) -> NDArray[Any]:
    """Decode the pixels of one object as they are stored.

    Args:
        dataset: The object, read whole.
        where: The scan and the file, for error texts.

    Returns:
        Stored values [frame, row, column].

    Raises:
        ScanError: E101 cut short, E107 a size that cannot be, E109 other pixels than the header
            says, E118 no decoder, E119 colours.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if rows * columns > MAX_PIXELS or min(rows, columns) < 2:
        raise ScanError("E107", f"{where}: the header declares {rows} x {columns} pixels")
    if not 1 <= frames <= MAX_FRAMES or frames * rows * columns > MAX_VOXELS:
        raise ScanError("E107", f"{where}: {frames} frames of {rows} x {columns} pixels")
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ScanError("E119", f"{where}: pixels are {photometric or 'undescribed'}, not grey")
    # A file without its preamble names no syntax; the standard's default is then meant.
    syntax = dataset.file_meta.setdefault("TransferSyntaxUID", ImplicitVRLittleEndian).value
    if not syntax.is_transfer_syntax:
        raise ScanError("E118", f"{where}: unknown transfer syntax {syntax}")
    if not syntax.is_compressed:
        expected = frames * rows * columns * int(dataset.get("BitsAllocated", 16))
        given = len(dataset.get("PixelData") or b"")
        if given * 8 < expected:
            raise ScanError("E101", f"{where}: cut short, {given} of {expected // 8} bytes")
    try:
        stored: NDArray[Any] = dataset.pixel_array
    except NotImplementedError as error:
        raise ScanError("E118", f"{where}: cannot decode {syntax.name}") from error
    except RuntimeError as error:
        if "missing dependencies" not in str(error):
            raise
        raise ScanError("E118", f"{where}: no decoder for {syntax.name}") from error
    if stored.shape not in ((rows, columns), (frames, rows, columns)):
        raise ScanError("E109", f"{where}: pixels are {stored.shape}, not as the header says")
    return stored.reshape(frames, rows, columns)


def intensities(
    stored: NDArray[Any],
    dataset: Any,
    header: Any,
    modality: Modality,
    where: str,
    *,
    assume_hu: bool = False,
) -> NDArray[np.float32]:
    """Turn stored values into intensities.

    MONOCHROME1 only says how a grey value is shown, so CT keeps its Hounsfield units (PS3.3
    C.7.6.3.1.2); MR has no unit, and there the values that are shown bright are made the high ones.

    Args:
        stored: Stored values [row, column].
        dataset: The object.
        header: The slice's own header, with its rescale.
        modality: CT or MR.
        where: The scan and the file, for error texts.
        assume_hu: Take the stored values of a CT without a rescale for Hounsfield units.

    Returns:
        Hounsfield units of a CT, intensities of an MR [row, column].

    Raises:
        ScanError: E116 no Hounsfield units.
    """
    slope, intercept = _rescale(header, modality, where, assume_hu=assume_hu)
    pixels: NDArray[np.float32] = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    padded = _padding(dataset, stored)
    if modality == "mr" and dataset.PhotometricInterpretation == "MONOCHROME1":
        low, high = _range(dataset)
        pixels = np.float32((low + high) * slope + 2 * intercept) - pixels
    if padded is not None:
        pixels[padded] = AIR_HU if modality == "ct" else 0.0
    return pixels


def _rescale(
    header: Any, modality: Modality, where: str, *, assume_hu: bool
) -> tuple[float, float]:
    slope = _number(header.get("RescaleSlope"))
    intercept = _number(header.get("RescaleIntercept"))
    kind = str(header.get("RescaleType") or "HU")
    if modality == "ct" and (intercept is None or slope is None):
        if assume_hu:
            return 1.0, 0.0
        raise ScanError(
            "E116", f"{where}: no rescale slope or intercept, so no Hounsfield units; export "
            "again, or pass --assume-hu if the stored values are Hounsfield units"
        )  # fmt: skip
    if modality == "ct" and not kind.upper().startswith("HU"):
        raise ScanError("E116", f"{where}: rescaled to {kind}, not to Hounsfield units")
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if not (slope > 0 and slope * 2**16 + abs(intercept) < MAX_INTENSITY):
        raise ScanError("E116", f"{where}: rescale {slope:g}, {intercept:g} is not usable")
    return slope, intercept


def _number(value: Any) -> float | None:
    """An element that may be absent or empty; a slope of 0 is neither."""
    return None if value in (None, "") else float(value)


def _padding(dataset: Any, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where the pixels lie outside the reconstruction circle, by the padding that is declared."""
    value = dataset.get("PixelPaddingValue")
    if value in (None, ""):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    bounds = sorted((int(value), int(value if limit in (None, "") else limit)))
    padded: NDArray[np.bool_] = (stored >= bounds[0]) & (stored <= bounds[1])
    return padded


def _range(dataset: Any) -> tuple[int, int]:
    """The lowest and the highest value that the declared bits can hold."""
    bits = int(dataset.get("BitsStored") or dataset.get("BitsAllocated") or 16)
    if int(dataset.get("PixelRepresentation") or 0) == 1:
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1

"""DICOM series of CT and MR, sorted by position; what cannot be read rightly is refused.

Series readers that stack what they are given turn a missing slice, a tilted gantry or a duplicate
into a silently wrong volume; `dicom_geometry` holds the checks that prevent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import ImplicitVRLittleEndian

from hagan.data.dicom_files import MODALITIES, MULTI_FRAME, damage_named, read_dataset
from hagan.data.dicom_geometry import Slice, affine_of, check_alike, in_order
from hagan.data.volume import Modality, Volume
from hagan.errors import ScanError

AIR_HU = -1024.0
"""What the padding outside a CT's reconstruction circle becomes."""

MAX_PIXELS = 2**26
"""More pixels than any slice has; a header that declares more is damaged or hostile."""


def read_series(files: Sequence[Path], name: str) -> Volume:
    """Read the slices of one series.

    Args:
        files: The slices of one series in any order.
        name: What error texts call the scan.

    Returns:
        Voxels [slice, row, column] with each slice's own rescale applied (Hounsfield units for
        CT), slices in the order of their position along the normal.

    Raises:
        ScanError: E101 or E109 a damaged file, E104 several images at every position, E107, E108
            no usable position, E112 missing or uneven slices, E113 duplicates, E114 tilt, E115
            mixed slices, E116 no Hounsfield units, E118 unknown compression, E119 no CT or MR.
    """
    slices = []
    for path in files:
        dataset = read_dataset(path)
        with damage_named(f"{name}: {path.name}"):
            slices.append(_slice(dataset, path, f"{name}: {path.name}"))
    check_alike(slices, name)
    slices = in_order(slices, name)
    voxels = np.stack([item.pixels for item in slices])
    return Volume(voxels, affine_of(slices), slices[0].modality)


def _slice(dataset: Any, path: Path, where: str) -> Slice:
    kind = str(dataset.get("SOPClassUID", ""))
    if kind in MULTI_FRAME:
        raise ScanError("E119", f"{where}: enhanced multi-frame object; convert it to NIfTI first")
    if kind not in MODALITIES:
        said = pydicom.uid.UID(kind).name or "an object without a class"
        raise ScanError("E119", f"{where}: {said}, not a CT or MR image")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    position = _numbers(dataset, "ImagePositionPatient", 3, where)
    axes = _numbers(dataset, "ImageOrientationPatient", 6, where).reshape(2, 3)
    spacing = _numbers(dataset, "PixelSpacing", 2, where)
    if rows * columns > MAX_PIXELS or min(rows, columns) < 2:
        raise ScanError("E107", f"{where}: the header declares {rows} x {columns} pixels")
    if spacing.min() <= 0:
        raise ScanError("E108", f"{where}: pixel spacing {spacing[0]:g} x {spacing[1]:g} mm")
    return Slice(
        path=path,
        instance=str(dataset.get("SOPInstanceUID", "")),
        modality=MODALITIES[kind],
        position=position,
        axes=axes,
        spacing=spacing,
        pixels=_pixels(dataset, MODALITIES[kind], where),
    )


def _numbers(dataset: Any, keyword: str, count: int, where: str) -> NDArray[np.float64]:
    numbers = np.array([float(x) for x in dataset.get(keyword) or ()], np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ScanError("E108", f"{where}: no usable {keyword}")
    return numbers


def _pixels(dataset: Any, modality: Modality, where: str) -> NDArray[np.float32]:
    """Decode one slice and apply its rescale."""
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise ScanError("E104", f"{where}: {dataset.NumberOfFrames} frames in one file")
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric != "MONOCHROME2":
        raise ScanError("E119", f"{where}: pixels are {photometric or 'undescribed'}, not grey")
    slope, intercept = _rescale(dataset, modality, where)
    # A file without its preamble names no syntax; the standard's default is then meant.
    syntax = dataset.file_meta.setdefault("TransferSyntaxUID", ImplicitVRLittleEndian).value
    if not syntax.is_transfer_syntax:
        raise ScanError("E118", f"{where}: unknown transfer syntax {syntax}")
    if not syntax.is_compressed:
        expected = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("BitsAllocated", 16))
        given = len(dataset.get("PixelData") or b"")
        if given * 8 < expected:
            raise ScanError("E101", f"{where}: cut short, {given} of {expected // 8} bytes")
    try:
        stored = dataset.pixel_array
    except NotImplementedError as error:
        raise ScanError("E118", f"{where}: cannot decode {syntax.name}") from error
    except RuntimeError as error:
        if "missing dependencies" not in str(error):
            raise
        raise ScanError("E118", f"{where}: no decoder for {syntax.name}") from error
    padded = _padding(dataset, stored)
    if stored.shape != (int(dataset.Rows), int(dataset.Columns)):
        raise ScanError("E109", f"{where}: pixels are {stored.shape}, not as the header says")
    pixels: NDArray[np.float32] = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    if modality == "ct" and padded is not None:
        pixels[padded] = AIR_HU
    return pixels


def _rescale(dataset: Any, modality: Modality, where: str) -> tuple[float, float]:
    slope = float(dataset.get("RescaleSlope") or 1)
    given = dataset.get("RescaleIntercept")
    intercept = float(given) if given not in (None, "") else None
    kind = str(dataset.get("RescaleType") or "HU")
    if modality == "ct" and (intercept is None or "RescaleSlope" not in dataset):
        raise ScanError(
            "E116", f"{where}: no rescale slope or intercept, so no Hounsfield units; export again"
        )
    if modality == "ct" and not kind.upper().startswith("HU"):
        raise ScanError("E116", f"{where}: rescaled to {kind}, not to Hounsfield units")
    intercept = intercept or 0.0
    if not (np.isfinite(slope) and np.isfinite(intercept) and slope > 0):
        raise ScanError("E116", f"{where}: rescale {slope:g}, {intercept:g} is not usable")
    return slope, intercept


def _padding(dataset: Any, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where the pixels lie outside the reconstruction circle, by the padding that is declared."""
    value = dataset.get("PixelPaddingValue")
    if value in (None, ""):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    bounds = sorted((int(value), int(value if limit in (None, "") else limit)))
    padded: NDArray[np.bool_] = (stored >= bounds[0]) & (stored <= bounds[1])
    return padded

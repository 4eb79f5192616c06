"""DICOM series of CT and MR, sorted by position; what cannot be read rightly is refused.

Series readers that stack what they are given turn a missing slice, a tilted gantry or a duplicate
into a silently wrong volume; `dicom_geometry` holds the checks that prevent it, and `dicom_mending`
what is mended where the user asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from hagan.config.data import ReadConfig
from hagan.data.dicom_files import MODALITIES, damage_named, read_dataset
from hagan.data.dicom_frames import frame_headers
from hagan.data.dicom_geometry import (
    Slice,
    affine_of,
    check_alike,
    check_gaps,
    check_tilt,
    in_order,
)
from hagan.data.dicom_mending import filled, straightened
from hagan.data.dicom_pixels import decode, intensities
from hagan.data.volume import Volume
from hagan.errors import ScanError

REFUSE = ReadConfig()
"""Mend nothing."""


def read_series(files: Sequence[Path], name: str, reading: ReadConfig = REFUSE) -> Volume:
    """Read the slices of one series.

    Args:
        files: The slices of one series in any order, or its multi-frame objects.
        name: What error texts call the scan.
        reading: What may be mended.

    Returns:
        Voxels [slice, row, column] with each slice's own rescale applied (Hounsfield units for
        CT), slices in the order of their position along the normal, and what was mended.

    Raises:
        ScanError: E101 or E109 a damaged file, E104 several images at every position, E107, E108
            no usable position, E112 missing or uneven slices, E113 duplicates, E114 tilt, E115
            mixed slices, E116 no Hounsfield units, E118 unknown compression, E119 no CT or MR.
    """
    slices = []
    for path in files:
        dataset = read_dataset(path)
        with damage_named(f"{name}: {path.name}"):
            slices.extend(_slices(dataset, path, f"{name}: {path.name}", reading))
    check_alike(slices, name)
    slices = in_order(slices, name)
    mended: list[str] = []
    if reading.on_gap != "interpolate":
        check_gaps(slices, name)
    if reading.on_tilt != "shear":
        check_tilt(slices, name)
    else:
        slices, told = straightened(slices, name)
        mended.extend(told)
    if reading.on_gap == "interpolate":
        slices, told = filled(slices, name)
        mended.extend(told)
    voxels = np.stack([item.pixels for item in slices])
    return Volume(voxels, affine_of(slices), slices[0].modality, tuple(mended))


def _slices(dataset: Any, path: Path, where: str, reading: ReadConfig) -> list[Slice]:
    kind = str(dataset.get("SOPClassUID", ""))
    if kind not in MODALITIES:
        said = pydicom.uid.UID(kind).name or "an object without a class"
        raise ScanError("E119", f"{where}: {said}, not a CT or MR image")
    headers = frame_headers(dataset, where)
    places = [_place(header, where) for header in headers]
    stored = decode(dataset, where)
    return [
        Slice(
            path=path,
            instance=str(header.get("SOPInstanceUID", "")),
            modality=MODALITIES[kind],
            position=position,
            axes=axes,
            spacing=spacing,
            pixels=intensities(
                values, dataset, header, MODALITIES[kind], where, assume_hu=reading.assume_hu
            ),
        )
        for header, values, (position, axes, spacing) in zip(headers, stored, places, strict=True)
    ]


def _place(
    header: Any, where: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Position, axes and spacing of one slice."""
    position = _numbers(header, "ImagePositionPatient", 3, where)
    axes = _numbers(header, "ImageOrientationPatient", 6, where).reshape(2, 3)
    spacing = _numbers(header, "PixelSpacing", 2, where)
    if spacing.min() <= 0:
        raise ScanError("E108", f"{where}: pixel spacing {spacing[0]:g} x {spacing[1]:g} mm")
    return position, axes, spacing


def _numbers(header: Any, keyword: str, count: int, where: str) -> NDArray[np.float64]:
    numbers = np.array([float(x) for x in header.get(keyword) or ()], np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ScanError("E108", f"{where}: no usable {keyword}")
    return numbers

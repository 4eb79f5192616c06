"""What may be mended in a series when the user asks: a tilted gantry, missing or uneven slices.

Both are interpolated linearly, in Hounsfield units or intensities, and told with the volume. A
mended slice is an estimate: no more than `MOST_MISSING` in a row are made up.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hagan.data.dicom_geometry import Slice, gaps_of, place_of, tilt_of, tolerance_of
from hagan.data.dicom_pixels import AIR_HU
from hagan.errors import ScanError

MOST_MISSING = 3
"""Slices in a row; more would be invention."""


def straightened(slices: Sequence[Slice], name: str) -> tuple[list[Slice], tuple[str, ...]]:
    """Shift the slices of a tilted gantry within their planes, so that they stack straight.

    Args:
        slices: Slices in order.
        name: What error texts call the scan.

    Returns:
        Slices on one grid that is large enough for all of them, padded with air; and what was
        done, in words. Slices that stack straight come back as they are.

    Raises:
        ScanError: E115 slices that are shifted without a rule.
    """
    angle = tilt_of(slices, name)
    if angle == 0.0:
        return list(slices), ()
    # Imported here: generating and training do without it.
    from scipy.ndimage import shift

    first = slices[0]
    drift = np.array(
        [
            [(item.position - first.position) @ axis / size for item in slices]
            for axis, size in zip(first.axes[::-1], first.spacing, strict=True)
        ]
    )
    start = np.floor(drift.min(axis=1) + 1e-3).astype(int)
    end = np.ceil(drift.max(axis=1) - 1e-3).astype(int)
    padding = [(0, int(more)) for more in end - start]
    empty = AIR_HU if first.modality == "ct" else 0.0
    origin = first.position + first.axes[::-1].T @ (start * first.spacing)
    normal = first.normal
    mended = []
    for number, item in enumerate(slices):
        pixels = np.pad(item.pixels, padding, constant_values=empty)
        moved = shift(pixels, drift[:, number] - start, order=1, cval=empty, prefilter=False)
        along = float((item.position - first.position) @ normal)
        mended.append(dataclasses.replace(item, pixels=moved, position=origin + along * normal))
    return mended, (f"gantry tilt of {angle:.1f} degrees sheared straight",)


def filled(slices: Sequence[Slice], name: str) -> tuple[list[Slice], tuple[str, ...]]:
    """Put slices onto even spacing: missing ones are interpolated between their neighbours.

    Args:
        slices: Slices in order that stack straight.
        name: What error texts call the scan.

    Returns:
        Evenly spaced slices, and what was done, in words; slices that were even come back as they
        are.

    Raises:
        ScanError: E112 more slices in a row are missing than may be made up.
    """
    normal = slices[0].normal
    along = np.array([item.position @ normal for item in slices])
    gaps = gaps_of(slices)
    expected, tolerance = float(np.median(gaps)), tolerance_of(gaps)
    if np.all(np.abs(gaps - expected) <= tolerance):
        return list(slices), ()
    at = int(np.argmax(gaps))
    if gaps[at] > (MOST_MISSING + 1) * expected + tolerance:
        missing = math.ceil(gaps[at] / expected) - 1
        raise ScanError(
            "E112", f"{name}: slice gap {gaps[at]:.4g} mm at {place_of(slices[at])} (expected "
            f"{expected:.4g}). {missing} slices missing in a row are too many to interpolate; "
            "export the series again."
        )  # fmt: skip
    count = round(float(along[-1] - along[0]) / expected)
    even = np.linspace(along[0], along[-1], count + 1)
    mended, made = [], 0
    for place in even:
        nearest = int(np.argmin(np.abs(along - place)))
        if abs(along[nearest] - place) <= tolerance:
            mended.append(slices[nearest])
            continue
        above = min(int(np.searchsorted(along, place)), len(along) - 1)
        mended.append(_between(slices[above - 1], slices[above], place, normal))
        made += 1
    return mended, (f"{made} of {len(mended)} slices interpolated",)


def _between(low: Slice, high: Slice, place: float, normal: NDArray[np.float64]) -> Slice:
    start, end = float(low.position @ normal), float(high.position @ normal)
    weight = (place - start) / (end - start)
    return dataclasses.replace(
        low,
        pixels=((1 - weight) * low.pixels + weight * high.pixels).astype(np.float32),
        position=(1 - weight) * low.position + weight * high.position,
    )

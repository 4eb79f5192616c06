"""T1 intensities on one scale: the peak of the white matter at 110, as in FreeSurfer's norm.mgz."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from hagan.data.morphology import Mask
from hagan.data.volume import Volume
from hagan.errors import ScanError

PEAK = 110.0
BINS = 128
SMOOTH = 3
"""Bins by which the histogram is smoothed to either side."""


def scale_white_matter(volume: Volume, region: Mask, *, name: str = "scan") -> Volume:
    """Scale intensities so that the white matter's peak is 110.

    Args:
        volume: A brain on a template's grid.
        region: Where there is mostly white matter, [d, h, w].
        name: What error texts call the scan.

    Returns:
        The scaled volume; 0 stays 0.

    Raises:
        ScanError: E125 nothing positive lies in the region.
    """
    peak = mode(volume.voxels[region & (volume.voxels > 0)])
    if peak is None:
        raise ScanError("E125", f"{name}: no brain where the template has white matter; look at it")
    return dataclasses.replace(volume, voxels=volume.voxels * np.float32(PEAK / peak))


def mode(values: NDArray[np.float32]) -> float | None:
    """The most frequent value; unlike the median it does not mind what else is in the region.

    Args:
        values: Positive intensities.

    Returns:
        The middle of the fullest of 128 bins after smoothing; None of nothing.
    """
    if values.size == 0:
        return None
    low, high = (float(value) for value in np.quantile(values, (0.005, 0.995)))
    if low == high:
        return low
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    smooth = np.convolve(counts, np.hanning(2 * SMOOTH + 3)[1:-1], mode="same")
    fullest = int(np.argmax(smooth))
    return float((edges[fullest] + edges[fullest + 1]) / 2)

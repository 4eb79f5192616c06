"""Shapes of voxels in millimetres: growing, closing, parts, and a threshold between two peaks."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask: TypeAlias = NDArray[np.bool_]
"""True in a region, [d, h, w]."""

Spacing: TypeAlias = tuple[float, float, float]
"""Distance between neighbouring voxels along d, h, w, in mm."""

BINS = 256


def otsu(values: NDArray[np.float32]) -> float:
    """The threshold that separates two classes best (Otsu 1979), to one of 256 bins.

    Args:
        values: Any shape; more than one value.
    """
    counts, edges = np.histogram(values, bins=BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts, dtype=np.float64)
    above = below[-1] - below
    first = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = first / below - (first[-1] - first) / above
        between = below * above * apart**2
    best = np.nanmax(between[:-1])
    # Between peaks that lie apart all thresholds are alike: their middle.
    return float(edges[1:-1][between[:-1] >= best * (1 - 1e-9)].mean())


def distance_to(region: Mask, spacing: Spacing) -> NDArray[np.float64]:
    """From each voxel to the nearest one of a region, in mm; infinite if it is empty."""
    if not region.any():
        return np.full(region.shape, np.inf)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~region, sampling=spacing)
    return distance


def grown(region: Mask, radius: float, spacing: Spacing) -> Mask:
    """All within a radius in mm of a region."""
    return distance_to(region, spacing) <= radius


def opened(region: Mask, radius: float, spacing: Spacing) -> Mask:
    """A region without what is thinner than a ball; beyond the volume's border is inside."""
    kept = ~grown(~region, radius, spacing)
    return grown(kept, radius, spacing)


def closed(region: Mask, radius: float, spacing: Spacing) -> Mask:
    """A region with gaps filled that are thinner than a ball."""
    # The border must not stop what grows out and comes back.
    pad = [int(np.ceil(radius / step)) + 1 for step in spacing]
    wide = np.pad(region, [(size, size) for size in pad])
    filled = ~grown(~grown(wide, radius, spacing), radius, spacing)
    d, h, w = (slice(size, size + length) for size, length in zip(pad, region.shape, strict=True))
    return filled[d, h, w]


def largest_part(region: Mask) -> Mask:
    """The largest connected part; nothing of nothing."""
    return large_parts(region, 1.0, relative=True)


def large_parts(region: Mask, least: float, *, relative: bool = False) -> Mask:
    """Connected parts (by faces) of at least so many voxels.

    Args:
        region: What is taken apart.
        least: Voxels, or with `relative` a share of the largest part's.
        relative: What `least` means.
    """
    parts, _ = ndimage.label(region)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = sizes >= (least * sizes.max() if relative else least)
    kept[0] = False
    found: Mask = kept[parts]
    return found


def dice(one: Mask, other: Mask) -> float:
    """Dice overlap of two regions of a grid, 0 to 1; 1 of two empty ones."""
    both = np.count_nonzero(one) + np.count_nonzero(other)
    return 1.0 if both == 0 else 2.0 * np.count_nonzero(one & other) / both

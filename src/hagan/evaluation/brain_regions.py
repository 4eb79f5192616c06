"""Brain and ventricles of a skull-stripped T1 scan, by thresholds and place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.morphology import Mask, Spacing, closed, distance_to, largest_part

HEAD_ABOVE = 0.12
"""Of white matter: below it is what was stripped."""

WHITE_PERCENTILE = 90.0
"""Of the head's intensities, that of white matter."""

FLUID_BELOW = 0.5
"""Of white matter, where voxels are 3 mm or less: between fluid (0.3 to 0.4) and grey (0.7)."""

FLUID_STEP = 0.1
"""By which partial volume raises the threshold for every doubling of the voxel above 3 mm."""

HIGHEST_FLUID = 0.6
FINE_MM = 3.0

SULCUS_RADIUS_MM = 10.0
"""Sulci of twice this width are inside the hull."""

DEEP_MM = 25.0
"""From the hull inwards; fluid nearer to it is in sulci."""

CENTRAL_MM = 55.0
"""From the middle of the brain to the furthest that a ventricle reaches."""

CORE_MM = 25.0
"""A ventricle comes as near as this to the middle."""


def brain_regions(voxels: NDArray[np.float32], spacing: Spacing) -> dict[str, Mask]:
    """The `brain` (tissue without fluid) and the `ventricles` (lateral, third and what joins them).

    Args:
        voxels: Intensities [d, h, w], about 0 outside the brain, axes as in `hagan.types`.
        spacing: In mm.

    Returns:
        Masks; empty ones where nothing of the kind is found.
    """
    nothing = np.zeros(voxels.shape, bool)
    top = float(np.percentile(voxels, 99.0))
    if top <= 0.0:
        return {"brain": nothing, "ventricles": nothing.copy()}
    head = largest_part(voxels > HEAD_ABOVE * top)
    white = float(np.percentile(voxels[head], WHITE_PERCENTILE))
    fluid = voxels < fluid_threshold(spacing) * white
    hull = closed(head, SULCUS_RADIUS_MM, spacing)
    hull = ndimage.binary_fill_holes(hull)
    return {"brain": head & ~fluid, "ventricles": _ventricles(fluid & hull, hull, spacing)}


def fluid_threshold(spacing: Spacing) -> float:
    """Share of white matter's intensity below which a voxel of this size counts as fluid."""
    doublings = np.log2(float(np.prod(spacing)) ** (1 / 3) / FINE_MM)
    return float(np.clip(FLUID_BELOW + FLUID_STEP * doublings, FLUID_BELOW, HIGHEST_FLUID))


def _ventricles(fluid: Mask, hull: Mask, spacing: Spacing) -> Mask:
    """Connected fluid deep in the hull that comes near its middle."""
    # The volume's border is outside.
    depth = distance_to(np.pad(~hull, 1, constant_values=True), spacing)[1:-1, 1:-1, 1:-1]
    axes = [
        (np.arange(length) - centre) * step
        for length, centre, step in zip(
            hull.shape, ndimage.center_of_mass(hull), spacing, strict=True
        )
    ]
    away = np.sqrt(sum(part**2 for part in np.ix_(*axes)))
    parts, count = ndimage.label(
        fluid & (depth > DEEP_MM) & (away < CENTRAL_MM), np.ones((3, 3, 3))
    )
    nearest = np.full(count + 1, np.inf)
    np.minimum.at(nearest, parts.ravel(), away.ravel())
    nearest[0] = np.inf
    found: Mask = (nearest < CORE_MM)[parts]
    return found

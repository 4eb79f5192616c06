"""Lungs, airways, bone and emphysema of a thorax CT, by thresholds and shape.

After what the Chest Imaging Platform does: Otsu's threshold between air and body, the airways cut
off, the two large parts kept, closed over their vessels. Contrast agent in vessels counts as bone,
and so do bright parts of a table that the patient lies on without a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.body import body_of
from hagan.data.morphology import (
    Mask,
    Spacing,
    closed,
    grown,
    large_parts,
    otsu,
)

AIRWAY_LEAST_ML = 1.0
"""Smaller parts of the air that is no lung are noise."""

WINDOW_HU = (-1024.0, 600.0)
"""The paper's; beyond it nothing here depends on the value."""

AIR_BELOW_HU = (-700.0, -300.0)
"""Where Otsu's threshold can be; outside, half of an image is something else."""

AIRWAY_RADIUS_MM = 8.0
"""Main bronchi are thinner, and cut the trachea off from the lungs."""

VESSEL_RADIUS_MM = 8.0
"""What is filled within the lungs."""

LUNG_SHARE = 0.25
"""Of the larger lung that the smaller one has at least."""

BONE_HU = 200.0
"""Of bone where voxels are 3 mm or less."""

BONE_STEP_HU = 25.0
"""By which partial volume lowers the threshold for every doubling of the voxel above 3 mm."""

LOWEST_BONE_HU = 150.0
FINE_MM = 3.0

BONE_LEAST_ML = 0.15
"""50 voxels of the paper's grid: smaller parts are table, wires and noise."""

EMPHYSEMA_BELOW_HU = -950.0
"""%LAA-950: strictly below (Gevenois et al. 1996)."""


def thorax_regions(voxels: NDArray[np.float32], spacing: Spacing) -> dict[str, Mask]:
    """The `lung`, the `airways`, the `bone` and the `emphysema` of a chest.

    Airways are the trachea and as much of the main bronchi as the lungs do not take.

    Args:
        voxels: Hounsfield units [d, h, w], axes as in `hagan.types`.
        spacing: In mm.

    Returns:
        Masks; empty ones where nothing of the kind is found.
    """
    hu = np.clip(voxels, *WINDOW_HU)
    air = hu < np.clip(otsu(hu), *AIR_BELOW_HU)
    body = body_of(~air)
    lung = _lungs(air & body, body, spacing)
    voxel_ml = float(np.prod(spacing)) / 1000
    bone = (hu > bone_threshold(spacing)) & body & ~lung
    return {
        "lung": lung,
        "airways": _airways(air & body & ~lung, lung, AIRWAY_LEAST_ML / voxel_ml),
        "bone": large_parts(bone, BONE_LEAST_ML / voxel_ml),
        "emphysema": lung & (hu < EMPHYSEMA_BELOW_HU),
    }


def bone_threshold(spacing: Spacing) -> float:
    """Hounsfield units above which a voxel of this size counts as bone.

    200 HU at 3 mm and below. Thin bone shares larger voxels with what lies beside it: 175 at 6 mm
    and 150 at 12 mm agree best with the volumes of phantoms.
    """
    doublings = np.log2(float(np.prod(spacing)) ** (1 / 3) / FINE_MM)
    return float(np.clip(BONE_HU - BONE_STEP_HU * doublings, LOWEST_BONE_HU, BONE_HU))


def _lungs(air: Mask, body: Mask, spacing: Spacing) -> Mask:
    voxel = max(spacing)
    # Below half a voxel nothing would be cut.
    radius = max(AIRWAY_RADIUS_MM, 0.51 * voxel)
    kept = ~grown(~air, radius, spacing)
    parts = grown(kept, radius, spacing) & air
    core = kept & large_parts(parts, LUNG_SHARE, relative=True)
    # A voxel further than it was cut, so that thin edges of the lungs come back.
    lungs = grown(core, radius + voxel, spacing) & air
    return (lungs | closed(lungs, VESSEL_RADIUS_MM, spacing)) & body


def _airways(air: Mask, lung: Mask, least: float) -> Mask:
    """The largest part of the air beside the lungs that reaches above them and lies between them.

    Air in stomach and bowel lies below; air in the arms' folds lies outside of both lungs.
    """
    if not lung.any():
        return np.zeros_like(lung)
    places = np.argwhere(lung)
    middle, (low, high) = places.mean(0), np.quantile(places[:, 2], (0.1, 0.9))
    parts, _ = ndimage.label(air, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())
    best, most = 0, least
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        across = (box[2].start + box[2].stop - 1) / 2
        if box[0].stop > middle[0] and low < across < high and sizes[number] >= most:
            best, most = number, float(sizes[number])
    found: Mask = parts == best
    return found if best else np.zeros_like(lung)

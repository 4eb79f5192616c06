"""Outline of the cerebrum and the sheet between its hemispheres, as signed distances in unit mm."""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.brain_grid import Array, Space
from hagan.data.phantom.brain_hindbrain import Hindbrain
from hagan.data.phantom.fields import ellipsoid, smooth_max, smooth_min


@dataclass(frozen=True)
class Outline:
    """Where the cerebrum ends.

    Attributes:
        hull: Signed distance [d, h, w] to the cerebrum, sulci filled, both hemispheres.
        beyond_fissure: How far past the end of the interhemispheric fissure a voxel lies
            [d, h, w], negative where the hemispheres are parted.
        depth: Depth [d, h, w] under the surface of one hemisphere, midline included.
    """

    hull: Array
    beyond_fissure: Array
    depth: Array


def _step(value: Array, width: float) -> Array:
    """Rise smoothly from 0 to 1 around 0."""
    scaled = np.clip(value * np.float32(1 / width), -8, 8)
    step: Array = 1 / (1 + np.exp(-scaled))
    return step


def build_outline(space: Space, hindbrain: Hindbrain) -> Outline:
    """Shape the cerebrum: three overlapping lobes, a base with tentorium, temporal lobes below.

    Args:
        space: Anatomical coordinates.
        hindbrain: What lies below; the cerebrum keeps clear of the cerebellum.

    Returns:
        The outline.
    """
    z, y, x = space.z, space.y, space.x
    side = np.abs(x)
    frontal = ellipsoid(z, y, side, (14, -26, 16), (50, 57, 43))
    parietal = ellipsoid(z, y, side, (16, 16, 18), (53, 57, 47))
    occipital = ellipsoid(z, y, side, (3, 44, 17), (30, 40, 29))
    upper = smooth_min(smooth_min(frontal, parietal, 12), occipital, 12)

    behind = _step(y - 16, 5)
    floor = -24 + 10 * _step(y + 30, 4) - 13 * behind
    floor = floor + 4 * (1 - _step(y + 38, 6)) * np.exp(-((side / 12) ** 2))
    # Between the temporal lobes the base hangs down at the hypothalamus and rises beside it.
    between = _step(y + 30, 4) * (1 - behind)
    ridge = 3 * np.exp(-(((side - 25) / 8) ** 2)) - 5 * np.exp(-((side / 9) ** 2))
    floor = floor + between * ridge
    upper = smooth_max(upper, (floor - z) * np.float32(0.9), 9)

    temporal = _rod(z, y, side, (-26, -27, 38), (-16, 34, 43), (16, 21, 17), (18, 21, 19))
    # Parahippocampal gyrus and uncus reach towards the brain stem.
    inner = _rod(z, y, side, (-22, -10, 23), (-14, 26, 24), (11, 8, 10), (10, 10, 9))
    hull = smooth_min(upper, smooth_min(temporal, inner, 6), 6)

    clear = np.float32(0.5) - hindbrain.cerebellum
    box = hindbrain.box
    hull[box] = smooth_max(hull[box], clear, 2)

    ellipse = _flat_ellipse(z, y, (-3, -9), (29, 41))
    middle = _flat_ellipse(z, y, (-12, 0), (20, 24))
    beyond = -smooth_min(ellipse, middle, 8)
    fissure = np.sqrt(side * side + np.maximum(beyond, 0) ** 2)
    return Outline(hull, beyond, smooth_min(-hull, fissure, 8))


def _flat_ellipse(
    z: Array, y: Array, centre: tuple[float, float], radii: tuple[float, float]
) -> Array:
    """Signed distance to an elliptic cylinder along x."""
    flat = np.float32(0)
    return ellipsoid(z, y, np.asarray(flat), (*centre, 0.0), (*radii, 1.0))


def _rod(
    z: Array,
    y: Array,
    x: Array,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    radii_a: tuple[float, float, float],
    radii_b: tuple[float, float, float],
) -> Array:
    """Signed distance to a tapering rod along y with an elliptic section and rounded ends."""
    along = np.clip((y - a[1]) * np.float32(1 / (b[1] - a[1])), 0, 1)
    scaled = np.float32(0)
    steep = np.float32(0)
    for axis, coordinate in enumerate((z, y, x)):
        radius = radii_a[axis] + along * np.float32(radii_b[axis] - radii_a[axis])
        if axis == 1:
            offset = y - np.clip(y, a[1], b[1])
        else:
            offset = coordinate - (a[axis] + along * np.float32(b[axis] - a[axis]))
        ratio = offset / radius
        scaled = scaled + ratio * ratio
        steep = steep + (ratio / radius) ** 2
    level = np.sqrt(scaled)
    distance: Array = level * (level - 1) / np.maximum(np.sqrt(steep), 1e-3)
    return np.where(level < 0.05, np.float32(-min(radii_a)), distance)

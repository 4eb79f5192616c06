"""Shapes evaluated in their bounding box on both sides of the midline: tubes and ellipsoids."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hagan.data.phantom.brain_grid import Array, Box, Corner, Space, slice_box
from hagan.data.phantom.fields import ellipsoid

FAR = np.float32(40)

Node = tuple[float, float, float, float]
"""A bead of a chain: z, y, x in unit mm and radius."""


@dataclass(frozen=True)
class Tube:
    """A chain of rods of adjustable girth.

    Attributes:
        ratio: Distance to the axis over the local radius [d, h, w] on a box.
        radius: Local radius [d, h, w] in unit mm.
        corner: First index (d, h, w) of the box in the work grid.
    """

    ratio: Array
    radius: Array
    corner: Corner

    @property
    def box(self) -> Box:
        """Slices of the work grid that the fields fill."""
        return slice_box(self.corner, self.ratio.shape)

    def distance(self, girth: float) -> Array:
        """Signed distance [d, h, w] in unit mm when all radii are multiplied by `girth`."""
        return (self.ratio - np.float32(girth)) * self.radius


def build_tube(
    space: Space, nodes: Sequence[Node], flatten: float = 1.0, room: float = 7.0
) -> Tube:
    """Evaluate a chain on both sides of the midline inside its bounding box.

    Args:
        space: Anatomical coordinates.
        nodes: Beads of the left-hand chain, at least two.
        flatten: Height over width of the section.
        room: Space around it in unit mm in which the distance is wanted.

    Returns:
        The tube, to be given a girth.
    """
    low = [min(n[i] - n[3] for n in nodes) for i in range(3)]
    high = [max(n[i] + n[3] for n in nodes) for i in range(3)]
    box = space.box((low[0], low[1], -high[2]), (high[0], high[1], high[2]), room)
    z, y, side = space.z[box], space.y[box], np.abs(space.x[box])
    ratio = np.full(z.shape, FAR, np.float32)
    radius = np.ones(z.shape, np.float32)
    for a, b in pairwise(nodes):
        axis = [np.float32(b[i] - a[i]) for i in range(3)]
        length = sum(v * v for v in axis)
        offset = [c - np.float32(a[i]) for i, c in enumerate((z, y, side))]
        along = np.clip(sum(o * v for o, v in zip(offset, axis, strict=True)) / length, 0, 1)
        gaps = [o - along * v for o, v in zip(offset, axis, strict=True)]
        square = gaps[0] ** 2 + gaps[1] ** 2 + (gaps[2] * np.float32(flatten)) ** 2
        local = np.float32(a[3]) + along * np.float32(b[3] - a[3])
        here = np.sqrt(square) / local
        nearer = here < ratio
        ratio = np.where(nearer, here, ratio)
        radius = np.where(nearer, local, radius)
    return Tube(ratio, radius, (box[0].start, box[1].start, box[2].start))


def build_pair(
    space: Space,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    splay: float = 0.0,
    room: float = 7.0,
) -> tuple[Array, Corner]:
    """Evaluate a mirrored pair of ellipsoids inside their bounding box.

    Args:
        space: Anatomical coordinates.
        centre: Centre (z, y, x) of the left one in unit mm.
        radii: Half axes (z, y, x) in unit mm.
        splay: How much further out it lies a mm further back.
        room: Space around it in unit mm in which the distance is wanted.

    Returns:
        Signed distance [d, h, w] in unit mm and the first index of its box.
    """
    low = (centre[0] - radii[0], centre[1] - radii[1], -centre[2] - radii[2])
    high = (centre[0] + radii[0], centre[1] + radii[1], centre[2] + radii[2])
    box = space.box(low, high, room)
    y = space.y[box]
    side = np.abs(space.x[box]) - np.float32(splay) * (y - np.float32(centre[1]))
    distance = ellipsoid(space.z[box], y, side, centre, radii)
    return distance, (box[0].start, box[1].start, box[2].start)


def move_to_box(distance: Array, corner: Corner, other: Tube) -> Array:
    """Move a field to the box of a tube, far away where it is not known.

    Args:
        distance: Signed distance [d, h, w] on its own box.
        corner: First index of that box.
        other: Tube whose box is wanted.

    Returns:
        The distance [d, h, w] on the tube's box.
    """
    moved = np.full(other.ratio.shape, FAR, np.float32)
    source = []
    target = []
    for axis in range(3):
        shift = corner[axis] - other.corner[axis]
        first = max(shift, 0)
        last = min(shift + distance.shape[axis], moved.shape[axis])
        target.append(slice(first, last))
        source.append(slice(first - shift, last - shift))
    moved[tuple(target)] = distance[tuple(source)]
    return moved


def join_tubes(first: Tube, second: Tube) -> Tube:
    """Unite two tubes on the box that holds both."""
    corner = [min(a, b) for a, b in zip(first.corner, second.corner, strict=True)]
    last = [
        max(a + m, b + n)
        for a, m, b, n in zip(
            first.corner, first.ratio.shape, second.corner, second.ratio.shape, strict=True
        )
    ]
    shape = [b - a for a, b in zip(corner, last, strict=True)]
    ratio = np.full(shape, FAR, np.float32)
    radius = np.ones(shape, np.float32)
    for tube in (first, second):
        part = tuple(
            slice(c - o, c - o + n)
            for c, o, n in zip(tube.corner, corner, tube.ratio.shape, strict=True)
        )
        nearer = tube.ratio < ratio[part]
        ratio[part] = np.where(nearer, tube.ratio, ratio[part])
        radius[part] = np.where(nearer, tube.radius, radius[part])
    return Tube(ratio, radius, (corner[0], corner[1], corner[2]))

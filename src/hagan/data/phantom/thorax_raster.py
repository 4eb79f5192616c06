"""Drawing trees into voxels: volume is deposited, so partial volume is right at every side."""

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import Box, Field
from hagan.data.phantom.thorax_frame import Frame
from hagan.data.phantom.thorax_trees import Segments

STEP = 0.6
_GOLDEN = np.pi * (3 - np.sqrt(5))
_CHUNK = 400_000


def rasterize(tree: Segments, frame: Frame, box: Box) -> Field:
    """Deposit the volume of a tree in voxels.

    Args:
        tree: Segments in mm from the scan's first corner.
        frame: The scan's grids.
        box: Part of the scan to fill; what lies outside is dropped.

    Returns:
        The share of each voxel of the box inside the tree, at most 1.
    """
    shape = tuple(part.stop - part.start for part in box)
    spacing = np.asarray(frame.spacing, np.float32)
    corner = np.array([part.start for part in box], np.float32)
    axis = tree.end - tree.start
    length = np.linalg.norm(axis, axis=1)
    steps = np.ceil(length / np.float32(STEP * frame.voxel)).astype(np.intp)
    steps = np.maximum(steps, 1)
    spots = np.ceil(2.5 * np.pi * (tree.radius / np.float32(frame.voxel)) ** 2).astype(np.intp)
    spots = np.maximum(spots, 1)
    volume = np.float32(np.pi) * tree.radius**2 * length / (steps * spots)
    volume = (volume / np.float32(np.prod(frame.spacing))).astype(np.float32)
    first, second = _across(axis, length)
    filled = np.zeros(int(np.prod(shape)), np.float64)
    ends = np.cumsum(steps * spots)
    begin = 0
    while begin < len(ends):
        done = ends[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        part = slice(begin, stop)
        repeats = (steps * spots)[part]
        which = np.repeat(np.arange(begin, stop), repeats)
        number = np.arange(len(which)) - np.repeat(ends[part] - repeats - done, repeats)
        along = ((number // spots[which]) + np.float32(0.5)) / steps[which]
        spot = number % spots[which]
        radius = tree.radius[which] * np.sqrt((spot + np.float32(0.5)) / spots[which])
        radius = np.where(spots[which] == 1, 0, radius).astype(np.float32)
        turn = (spot * np.float32(_GOLDEN)).astype(np.float32)
        place = tree.start[which] + along.astype(np.float32)[:, None] * axis[which]
        place += (radius * np.cos(turn))[:, None] * first[which]
        place += (radius * np.sin(turn))[:, None] * second[which]
        filled += _spread(place / spacing - np.float32(0.5) - corner, volume[which], shape)
        begin = stop
    return np.minimum(filled, 1).astype(np.float32).reshape(shape)


def _across(axis: Field, length: Field) -> tuple[Field, Field]:
    """Two unit vectors across each segment [segments, 3]."""
    unit = axis / np.maximum(length, np.float32(1e-6))[:, None]
    helper = np.where(np.abs(unit[:, :1]) < 0.8, np.eye(3)[0], np.eye(3)[1]).astype(np.float32)
    first = np.cross(unit, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), np.float32(1e-6))
    return first.astype(np.float32), np.cross(unit, first).astype(np.float32)


def _spread(place: Field, weight: Field, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Share out weights [n] to the eight voxels around places [n, 3] in voxels."""
    depth, height, width = shape
    low = np.floor(place).astype(np.intp)
    rest = place - low
    good = ((low >= 0) & (low < np.array(shape) - 1)).all(axis=1)
    low, rest, weight = low[good], rest[good], weight[good]
    base = (low[:, 0] * height + low[:, 1]) * width + low[:, 2]
    out = np.zeros(depth * height * width)
    for corner in range(8):
        up = (corner >> 2 & 1, corner >> 1 & 1, corner & 1)
        share = weight
        for axis in range(3):
            share = share * (rest[:, axis] if up[axis] else 1 - rest[:, axis])
        out += np.bincount(base + (up[0] * height + up[1]) * width + up[2], share, len(out))
    return out

"""The work grid on which brain shapes are evaluated, and the ways from it to the image grid.

Shapes live in unit space: millimetres of a brain of standard size. A brain of scale s occupies s
times those millimetres, so the scale can be solved for without evaluating any shape again.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.fields import multiply_axes, spline_noise, stream

Array = NDArray[np.float32]
Corner = tuple[int, int, int]
Box = tuple[slice, slice, slice]

FIELD_OF_VIEW_MM = 192.0
SPACING = 2.0
SHAPE = (82, 96, 76)
AVERAGED_UP_TO = 96
"""Largest side that is averaged from the work grid; finer images are composed on their own grid."""

_WARP_MM = 1.7


def slice_box(corner: Corner, shape: tuple[int, ...]) -> Box:
    """Slices of the work grid for a box of some shape [d, h, w] that starts at a corner."""
    d, h, w = (slice(c, c + n) for c, n in zip(corner, shape, strict=True))
    return d, h, w


def axis_positions(axis: int) -> Array:
    """Unit-space coordinates [n] of the work grid's planes along one axis, 0 in the middle."""
    count = SHAPE[axis]
    return ((np.arange(count) - (count - 1) / 2) * SPACING).astype(np.float32)


@dataclass(frozen=True)
class Space:
    """Anatomical coordinates of every work voxel: z up, y to the back, x to the left.

    Attributes:
        z: Coordinate [d, h, w] in unit mm.
        y: Coordinate [d, h, w] in unit mm.
        x: Coordinate [d, h, w] in unit mm.
    """

    z: Array
    y: Array
    x: Array

    def box(
        self, low: tuple[float, float, float], high: tuple[float, float, float], margin: float
    ) -> Box:
        """Find the part of the grid that is sure to hold an anatomical box.

        Args:
            low: Smallest (z, y, x) in unit mm.
            high: Largest (z, y, x) in unit mm.
            margin: Room on every side in unit mm, beyond what pose and warp can displace.

        Returns:
            Slices of the work grid.
        """
        slices = []
        for axis in range(3):
            # Pose, stretch and warp displace what lies far out more than what lies in the middle.
            reach = margin + 8 + 0.08 * max(abs(v) for v in (*low, *high))
            middle = (SHAPE[axis] - 1) / 2
            first = int(np.floor((low[axis] - reach) / SPACING + middle))
            last = int(np.ceil((high[axis] + reach) / SPACING + middle))
            slices.append(slice(max(first, 0), min(last + 1, SHAPE[axis])))
        return slices[0], slices[1], slices[2]


def build_space(subject: BrainSubject) -> Space:
    """Lay anatomical coordinates over the work grid: pose, stretch and one smooth warp.

    Args:
        subject: Whose pose, axis ratios and warp stream to use.

    Returns:
        The coordinates.
    """
    az, ay, ax = np.deg2rad(subject.rotation_degrees)
    about_z = np.array([[1, 0, 0], [0, np.cos(az), -np.sin(az)], [0, np.sin(az), np.cos(az)]])
    about_y = np.array([[np.cos(ay), 0, -np.sin(ay)], [0, 1, 0], [np.sin(ay), 0, np.cos(ay)]])
    about_x = np.array([[np.cos(ax), -np.sin(ax), 0], [np.sin(ax), np.cos(ax), 0], [0, 0, 1]])
    turn = (about_z @ about_y @ about_x) / np.array(subject.axis_ratios)[:, None]
    rng = stream(subject.seed, subject.subject, "brain/warp")
    axes = [axis_positions(i) - np.float32(subject.shift_mm[i]) for i in range(3)]
    grids = (axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])
    coordinates = []
    for row in turn.astype(np.float32):
        straight = row[0] * grids[0] + row[1] * grids[1] + row[2] * grids[2]
        coordinates.append(straight + np.float32(_WARP_MM) * spline_noise(rng, 7, SHAPE))
    return Space(*coordinates)


def _cubic_weights(t: Array) -> tuple[Array, Array, Array, Array]:
    """Keys' interpolation weights of the four neighbours at fraction t."""
    return (
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )


@dataclass(frozen=True)
class Sampler:
    """Brings work-grid fields to part of an image grid by separable cubic interpolation.

    Attributes:
        positions: Places of the image planes along each axis, in work-grid indices.
    """

    positions: tuple[Array, Array, Array]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Grid (d, h, w) of what this sampler fills."""
        d, h, w = (len(p) for p in self.positions)
        return d, h, w

    def __call__(self, values: Array, corner: Corner = (0, 0, 0)) -> tuple[Box, Array]:
        """Sample a field known on a box of the work grid.

        Args:
            values: Field [d, h, w] on the box.
            corner: First index (d, h, w) of the box in the work grid.

        Returns:
            Slices of the image part that lie inside the box, and the values there.
        """
        slices = []
        matrices = []
        for axis in range(3):
            local = self.positions[axis] - corner[axis]
            count = values.shape[axis]
            first, last = np.searchsorted(local, [0.0, count - 1.0])
            slices.append(slice(int(first), int(last)))
            local = local[first:last]
            below = np.clip(np.floor(local).astype(np.int64), 0, count - 2)
            matrix = np.zeros((len(local), count), np.float32)
            rows = np.arange(len(local))
            for offset, weight in enumerate(_cubic_weights((local - below).astype(np.float32))):
                np.add.at(matrix, (rows, np.clip(below + offset - 1, 0, count - 1)), weight)
            matrices.append(matrix)
        return (slices[0], slices[1], slices[2]), multiply_axes(matrices, values)


@dataclass(frozen=True)
class WorkSampler:
    """Stands in for `Sampler` where the work grid itself is wanted: nothing is interpolated."""

    shape: tuple[int, int, int] = SHAPE

    def __call__(self, values: Array, corner: Corner = (0, 0, 0)) -> tuple[Box, Array]:
        """Return the field unchanged with the slices of the work grid that it fills."""
        return slice_box(corner, values.shape), values


def image_positions(side: int, scale: float) -> tuple[Box, tuple[Array, Array, Array]]:
    """Place image voxels on the work grid.

    Args:
        side: Voxels along each axis of the image cube.
        scale: Image mm a unit mm.

    Returns:
        Slices of the image whose voxels the work grid covers, and their work-grid indices.
    """
    centres = ((np.arange(side) + 0.5) / side - 0.5) * (FIELD_OF_VIEW_MM / scale / SPACING)
    slices = []
    places = []
    for count in SHAPE:
        index = centres + (count - 1) / 2
        first, last = np.searchsorted(index, [0.0, count - 1.0])
        slices.append(slice(int(first), int(last)))
        places.append(index[first:last].astype(np.float32))
    return (slices[0], slices[1], slices[2]), (places[0], places[1], places[2])


def choose_sampler(side: int, scale: float) -> tuple[Sampler | WorkSampler, float]:
    """Find the grid that an image of some side is composed on.

    Args:
        side: Voxels along each axis of the image cube.
        scale: Image mm a unit mm.

    Returns:
        The sampler to that grid and its voxel size in unit mm.
    """
    if side <= AVERAGED_UP_TO:
        return WorkSampler(), SPACING
    return Sampler(image_positions(side, scale)[1]), FIELD_OF_VIEW_MM / side / scale


def average_to_image(values: Array, side: int, scale: float) -> Array:
    """Average a work-grid field over the image's voxels, so that its integral is kept.

    Args:
        values: Field on the whole work grid [d, h, w], zero outside it.
        side: Voxels along each axis of the image cube.
        scale: Image mm a unit mm.

    Returns:
        The field on the image cube [d, h, w].
    """
    matrices = [_overlaps(count, side, scale) for count in SHAPE]
    return multiply_axes(matrices, values)


@lru_cache(maxsize=16)
def _overlaps(count: int, side: int, scale: float) -> Array:
    """Share [side, count] of each image voxel that each work voxel covers along one axis."""
    step = FIELD_OF_VIEW_MM / side
    image = np.arange(side) * step - FIELD_OF_VIEW_MM / 2
    work = (np.arange(count) - count / 2) * SPACING * scale
    upper = np.minimum(image[:, None] + step, work[None, :] + SPACING * scale)
    lower = np.maximum(image[:, None], work[None, :])
    shares: Array = (np.clip(upper - lower, 0, None) / step).astype(np.float32)
    return shares

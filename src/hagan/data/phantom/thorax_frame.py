"""Where a thorax lies in its scan: grids, pose, warp and the way from body to voxels.

Body coordinates in mm: z up, y to the back, x to the patient's left.
"""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.fields import Box, Field, Shape, resize, spline_noise, stream
from hagan.data.phantom.thorax_cohort import ThoraxSubject

FIELD_OF_VIEW = (330.0, 380.0, 380.0)
# Smooth shapes are drawn once on this grid, whatever the side, so that every side shows the same
# person; a cell of 6 mm is fine enough for surfaces whose fillets are 6 mm.
COARSE = 56
WARP_MM = 3.0


@dataclass(frozen=True)
class Frame:
    """The grids of one scan.

    Attributes:
        side: Voxels along each axis of the scan.
        z: Body coordinate at the coarse cells [COARSE, COARSE, COARSE], mm, upwards.
        y: The same to the back.
        x: The same to the patient's left.
    """

    side: int
    z: Field
    y: Field
    x: Field

    @property
    def shape(self) -> Shape:
        """Grid of the scan (d, h, w)."""
        return (self.side, self.side, self.side)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size (d, h, w) in mm."""
        depth, height, width = FIELD_OF_VIEW
        return (depth / self.side, height / self.side, width / self.side)

    @property
    def voxel(self) -> float:
        """Edge in mm of the cube as large as a voxel."""
        return float(np.prod(self.spacing) ** (1 / 3))

    @property
    def voxel_litres(self) -> float:
        """Volume of one voxel in litres."""
        return float(np.prod(self.spacing)) * 1e-6

    def fine(self, field: Field, box: Box | None = None) -> Field:
        """Bring a coarse field [COARSE, COARSE, COARSE] to the scan's grid, or a box of it."""
        return resize(field, self.shape, box)

    def box(self, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], margin: float) -> Box:
        """Find the box of the scan that holds a coarse mask [COARSE, COARSE, COARSE].

        Args:
            inside: Coarse cells that must be in the box.
            margin: Room around them in mm.

        Returns:
            Slices into the scan's grid; empty ones when the mask is empty.
        """
        parts = []
        for axis, length in enumerate(FIELD_OF_VIEW):
            others = tuple(a for a in range(3) if a != axis)
            hits = np.flatnonzero(inside.any(axis=others))
            if hits.size == 0:
                return (slice(0, 0), slice(0, 0), slice(0, 0))
            cell = length / COARSE
            low = (hits[0] * cell - margin) / length * self.side
            high = ((hits[-1] + 1) * cell + margin) / length * self.side
            parts.append(slice(max(0, int(np.floor(low))), min(self.side, int(np.ceil(high)))))
        return (parts[0], parts[1], parts[2])

    def locate(self, point: tuple[float, float, float]) -> tuple[float, float, float]:
        """Find where a body point (z, y, x) lies in the scan, in mm from the scan's first corner.

        The bend and the warp are smooth, so one correction from the nearest cell is enough. Points
        outside the field of view are found by the same extrapolation.
        """
        z, y, x = point
        gap = (self.z - np.float32(z)) ** 2
        gap += (self.y - np.float32(y)) ** 2
        gap += (self.x - np.float32(x)) ** 2
        cell = np.unravel_index(int(gap.argmin()), gap.shape)
        found = []
        for index, length, here, there in zip(
            cell, FIELD_OF_VIEW, (self.z, self.y, self.x), point, strict=True
        ):
            found.append((float(index) + 0.5) * length / COARSE + there - float(here[cell]))
        return (found[0], found[1], found[2])


def world(side: int) -> tuple[Field, Field, Field]:
    """List the voxel centres along each axis, mm from the middle of the scan.

    Returns:
        Coordinates along d [side, 1, 1], h [1, side, 1] and w [1, 1, side].
    """
    centred = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    z, y, x = (centred * np.float32(length) for length in FIELD_OF_VIEW)
    return z[:, None, None], y[None, :, None], x[None, None, :]


def place(subject: ThoraxSubject, side: int) -> Frame:
    """Lay the subject into the scanner: shift, turn, bend the spine, warp.

    Args:
        subject: Whose pose, shift and kyphosis are used.
        side: Voxels along each axis of the scan.
    """
    z, y, x = (
        coordinate - np.float32(shift)
        for coordinate, shift in zip(world(COARSE), subject.shift, strict=True)
    )
    about_z, about_y, about_x = subject.pose
    y, x = _turn(y, x, about_z)
    z, x = _turn(z, x, about_y)
    z, y = _turn(z, y, about_x)
    rng = stream(subject.seed, subject.subject, "warp")
    shape = (COARSE, COARSE, COARSE)
    z = z + np.float32(WARP_MM) * spline_noise(rng, 8, shape)
    y = y + np.float32(WARP_MM) * spline_noise(rng, 8, shape)
    x = x + np.float32(WARP_MM) * spline_noise(rng, 8, shape)
    bend = np.clip((z - 10) / 150, -1.2, 1.2)
    y = y + np.float32(subject.kyphosis) * (bend * bend - np.float32(0.4))
    return Frame(side=side, z=z, y=y, x=x)


def _turn(a: Field, b: Field, angle: float) -> tuple[Field, Field]:
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * a - sine * b, sine * a + cosine * b

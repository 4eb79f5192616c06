"""The chest wall: muscle, fat and skin around the cage, shoulders, and the table underneath."""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.fields import (
    Field,
    capsule,
    coverage,
    slab_coverage,
    smooth_max,
    smooth_min,
    spline_noise,
    stream,
)
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import COARSE, Frame, world
from hagan.data.phantom.thorax_landmarks import APEX, collar_bone, shoulder_end
from hagan.data.phantom.thorax_shape import Chest


@dataclass(frozen=True)
class Wall:
    """Outer layers on the coarse grid [COARSE, COARSE, COARSE], and the table.

    Attributes:
        muscle: Signed distance to all inside the muscle's outer surface, mm.
        skin: Signed distance to the body, mm.
        planes: Share of fat between the muscle layers, 0 to 1.
        table_height: Where the body lies on the table, mm behind the middle of the scan.
    """

    muscle: Field
    skin: Field
    planes: Field
    table_height: float


def _bump(value: Field, middle: float, spread: float) -> Field:
    scaled = (value - np.float32(middle)) * np.float32(1 / spread)
    return np.exp(np.float32(-0.5) * scaled * scaled)


def build_wall(subject: ThoraxSubject, frame: Frame, chest: Chest) -> Wall:
    """Wrap the cage in muscle and fat and lay the body on its table."""
    rng = stream(subject.seed, subject.subject, "wall")
    z, y, x = frame.z, frame.y, frame.x
    angle = chest.cage.angle
    shape = (COARSE, COARSE, COARSE)
    pectoral = 17 * _bump(angle, 2.35, 0.36) * _bump(z, APEX - 48, 38)
    lateral = 20 * _bump(angle, 1.0, 0.42) * _bump(z, APEX - 55, 62)
    behind = np.clip(1.6 * np.cos(angle), 0, 1)
    paraspinal = 24 * (_bump(np.abs(x), 26, 21) + 0.35 * _bump(x, 0, 9)) * behind
    bumps = (pectoral + lateral + paraspinal) * np.float32(subject.muscle)
    thickness = np.float32(9.5 * subject.muscle + 1.5) + bumps
    muscle: Field = chest.cage.distance - thickness
    layer = chest.cage.distance - np.float32(11) - np.float32(0.35) * bumps
    planes = coverage(np.abs(layer) - np.float32(1.2), 5.0) * np.clip(bumps / 9 - 0.6, 0, 0.8)
    # Shoulders and back are many muscles: thin sheets of fat lie between them.
    sheets = np.clip(1 - 6 * np.abs(spline_noise(rng, (9, 13, 13), shape)), 0, 1)
    deep = np.clip((chest.cage.distance - np.float32(15)) / 12, 0, 0.75)
    planes = np.maximum(planes, sheets * deep)
    for side in (-1, 1):
        z1, y1, x1 = shoulder_end(subject, side)
        start = (APEX - 48.0, 14.0, 62.0 * side)
        end = (z1 + 25, y1 - 4, x1 + 34 * side)
        limb = capsule(z, y, x, start, end, 50, 40)
        muscle = smooth_min(muscle, limb, 30)
        inner, bend, outer = collar_bone(subject, chest.build, side)
        cover = np.minimum(
            capsule(z, y, x, inner, bend, 14, 16), capsule(z, y, x, bend, outer, 16, 24)
        )
        muscle = smooth_min(muscle, cover, 24)
    neck = capsule(z, y, x, (APEX - 30, 10, 0), (APEX + 120, -8, 0), 60, 58)
    muscle = smooth_min(muscle, neck, 26)
    spine = chest.build.spine
    nape = capsule(z, y, x, (APEX - 75, spine + 14, 0), (APEX + 120, spine + 4, 0), 44, 52)
    muscle = smooth_min(muscle, nape, 30)
    low = np.clip((APEX - 150 - z) / 110, 0, 1)
    front = np.clip((angle - np.float32(1.3)) / np.float32(1.2), 0, 1)
    share = np.float32(0.85) + np.float32(0.22) * spline_noise(rng, 6, shape)
    share = share + np.float32(0.35) * low - np.float32(0.35) * _bump(x, 0.0, 50) * behind
    fat = np.float32(subject.fat) * np.clip(share, 0.3, 1.8)
    fat = fat + np.float32(subject.belly) * low * front
    if subject.breast > 0:
        mound = _bump(angle, 2.42, 0.27) * _bump(z, APEX - 128, 34)
        fat = fat + np.float32(subject.breast) * mound
    skin = muscle - np.maximum(fat, 4)
    _, rows, columns = world(COARSE)
    back = np.broadcast_to(rows, shape)[(skin < 0) & (np.abs(columns) < 60)]
    table_height = min(float(np.quantile(back, 0.997)) - 2.0, 160.0 - subject.table_gap * 0.6)
    resting = rows - np.float32(table_height) + _sag(subject, columns)
    skin = smooth_max(skin, np.broadcast_to(resting, shape), 16)
    return Wall(
        muscle=np.maximum(muscle, skin + 3), skin=skin, planes=planes, table_height=table_height
    )


def _sag(subject: ThoraxSubject, x: Field) -> Field:
    return np.float32(subject.table_curve) * (x * np.float32(1 / 200)) ** 2


def draw_table(subject: ThoraxSubject, wall: Wall, side: int, voxel: float) -> Field:
    """Draw the table: two thin shells around foam, the same in every slice.

    Args:
        subject: Whose table it is.
        wall: Where the body lies.
        side: Voxels along each axis of the scan.
        voxel: Voxel size in mm.

    Returns:
        What the table adds to air in HU [1, h, w].
    """
    _, rows, columns = world(side)
    depth = rows - np.float32(wall.table_height + 3.0) + _sag(subject, columns)
    gap = np.float32(subject.table_gap)
    edge = coverage(np.abs(columns) - np.float32(205 if subject.table_curve < 8 else 178), voxel)
    shells = slab_coverage(depth - 1.5, 1.4, voxel) + slab_coverage(depth - gap - 1.5, 1.4, voxel)
    foam = slab_coverage(depth - gap / 2 - np.float32(1.5), float(gap) / 2 - 1.4, voxel)
    drawn: Field = (850 * np.clip(shells, 0, 1) + 70 * foam) * edge
    return drawn

"""Bones that follow the cage: ribs with their cartilage, sternum and shoulder blades.

A rib needs no centre line: the angle around the chest and the height say which rib a voxel
belongs to, the distance to the pleura says where in its section the voxel lies.
"""

import numpy as np

from hagan.data.phantom.fields import Field, coverage, slab_coverage, stream
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import Frame
from hagan.data.phantom.thorax_landmarks import APEX
from hagan.data.phantom.thorax_paint import Paint
from hagan.data.phantom.thorax_shape import Chest

CARTILAGE_HU = 95.0
# Share of the half circumference that is bone; the rest of ribs 1 to 10 is cartilage.
_ENDS = np.array([0.86, 0.88, 0.89, 0.88, 0.87, 0.85, 0.84, 0.79, 0.72, 0.65, 0.47, 0.34])


def cortical_hu(subject: ThoraxSubject) -> float:
    """Attenuation of compact bone (HU): denser in people with large bones."""
    return float(620.0 * subject.bone**0.5)


def rib_paint(subject: ThoraxSubject, frame: Frame, chest: Chest, distance: Field) -> list[Paint]:
    """Draw twelve pairs of ribs, their marrow and their cartilage.

    Args:
        subject: Whose bones they are.
        frame: The scan's grids.
        chest: The solved chest.
        distance: Distance outside the pleura at every voxel of the scan [d, h, w], mm.
    """
    rng = stream(subject.seed, subject.subject, "ribs")
    build, angle = chest.build, chest.cage.angle
    spacing = 24.5 * build.size**0.8 * (1 + 0.03 * rng.standard_normal())
    slope = (80 + 8 * rng.standard_normal()) * build.size
    steep = np.clip(angle, 0, 2.75)
    fall = np.float32(slope * 0.38) * (1 - np.cos(steep)) + np.float32(slope * 0.08) * steep
    fall = fall - np.float32(30 * build.size) * np.maximum(angle - np.float32(2.5), 0)
    # The pleura climbs above the first rib in front, so the first rib starts beside the apex.
    number = (np.float32(APEX + 9) - frame.z - fall) * np.float32(1 / spacing)
    half_height = 6.0 * subject.bone**0.5
    half_depth = 3.9 * subject.bone**0.5
    middle = half_depth + 1.8
    reach = half_depth + frame.voxel
    near = np.flatnonzero(np.abs(distance.reshape(-1) - np.float32(middle)) < reach)
    number = frame.fine(number).reshape(-1)[near]
    keep = np.flatnonzero((number > -0.5) & (number < 11.5))
    near, number = near[keep], number[keep]
    around = frame.fine(angle).reshape(-1)[near] * np.float32(1 / np.pi)
    out = distance.reshape(-1)[near] - np.float32(middle)
    rib = np.rint(number)
    height = (number - rib) * np.float32(spacing * 0.88)
    which = rib.astype(np.intp)
    past = (around - _ENDS.astype(np.float32)[which]) * np.float32(np.pi * build.half_width)
    solid = _section(height, out, half_height, half_depth, frame.voxel)
    marrow = _section(height, out, half_height - 1.7, half_depth - 1.5, frame.voxel)
    inner = np.clip(marrow / np.maximum(solid, np.float32(1e-3)), 0, 1)
    compact = np.float32(cortical_hu(subject))
    spongy = np.float32(subject.trabecular_hu * 0.7 + 30)
    bony = coverage(past, frame.voxel)
    # Ribs end at the joints beside the vertebral body.
    joint = np.float32(np.pi * build.half_width) * around
    solid = solid * coverage(np.float32(17) - joint, frame.voxel)
    # The first rib ends under the collar bone; floating ribs have no cartilage.
    reaches = np.where(which < 7, 1.0, np.where(which < 10, 0.955, 0.0)).astype(np.float32)
    gristle = (1 - bony) * (around < reaches)
    return [
        Paint(near, solid * bony, compact + inner * (spongy - compact), bone=True),
        Paint(near, solid * gristle, CARTILAGE_HU),
    ]


def _section(
    height: Field, out: Field, half_height: float, half_depth: float, voxel: float
) -> Field:
    """Share of a voxel inside an elliptic section; a box of equal area once voxels are large."""
    if voxel > 4:
        shrink = float(np.sqrt(np.pi / 4))
        along = slab_coverage(height, half_height * shrink, voxel)
        return along * slab_coverage(out, half_depth * shrink, voxel)
    level = np.hypot(height * np.float32(1 / half_height), out * np.float32(1 / half_depth))
    steep = np.hypot(height * np.float32(1 / half_height**2), out * np.float32(1 / half_depth**2))
    return coverage((level - 1) * level / np.maximum(steep, np.float32(1e-3)), voxel)


def sternum_paint(
    subject: ThoraxSubject, frame: Frame, chest: Chest, distance: Field
) -> list[Paint]:
    """Draw the sternum: a plate in front, manubrium, body and a narrow tip."""
    build = chest.build
    high, joint = APEX - 32 * build.size, APEX - 80 * build.size
    low = APEX - 185 * build.size
    inside = (np.abs(frame.x) < 32) & (chest.cage.angle > 2.2)
    inside &= (chest.cage.distance > -6) & (chest.cage.distance < 24)
    inside &= (frame.z < high + 8) & (frame.z > low - 30)
    box = frame.box(inside, 4)
    z, y, x = (frame.fine(axis, box) for axis in (frame.z, frame.y, frame.x))
    out = distance[box]
    grow = float(subject.bone**0.5)
    share = np.clip((np.float32(joint) - z) / np.float32(joint - low), -1, 1.3)
    half = np.where(share < 0, 16 - 9 * share, 14 + 5 * np.sin(np.pi * np.clip(share, 0, 1)))
    half = np.where(share > 1, 7, half) * np.float32(grow)
    across = coverage(np.abs(x) - half, frame.voxel)
    along = coverage(np.maximum(z - np.float32(high), np.float32(low - 18) - z), frame.voxel)
    gap = coverage(np.float32(1.5) - np.abs(z - np.float32(joint)), frame.voxel)
    solid = slab_coverage(out - np.float32(10), 5.2 * grow, frame.voxel) * across * along * gap
    solid = solid * (y < 0)
    inner = slab_coverage(out - np.float32(10), 3.6 * grow, frame.voxel)
    inner = inner * coverage(np.abs(x) - half + np.float32(1.6), frame.voxel)
    inner = np.clip(inner / np.maximum(solid, np.float32(1e-3)), 0, 1)
    compact, spongy = np.float32(cortical_hu(subject) * 0.85), np.float32(110)
    return [Paint(box, solid, compact + inner * (spongy - compact), bone=True)]


def blade_paint(subject: ThoraxSubject, frame: Frame, chest: Chest, distance: Field) -> list[Paint]:
    """Draw the shoulder blades: thin triangles behind the cage, each with its spine."""
    size, angle = chest.build.size, chest.cage.angle
    low, high = APEX - 132 * size, APEX - 10.0
    away = np.float32(19 + 3 * subject.muscle)
    inside = (frame.z > low) & (frame.z < high) & (angle > 0.3) & (angle < 1.6)
    inside &= (np.abs(chest.cage.distance - away - 9) < 26) & (np.abs(frame.x) < 150)
    paints = []
    for side in (-1, 1):
        box = frame.box(inside & (frame.x * side > 0), 4)
        z = frame.fine(frame.z, box)
        around = frame.fine(angle, box)
        out = distance[box] - away
        share = (z - np.float32(low)) * np.float32(1 / (high - low))
        inner = np.float32(0.72) - np.float32(0.10) * share
        outer = np.float32(0.84) + np.float32(0.52) * share
        span = np.float32(0.7 * chest.build.half_width)
        edge = np.maximum(inner - around, around - outer) * span
        edge = np.maximum(edge, np.maximum(np.float32(low) - z, z - np.float32(high)))
        rim = np.clip(1 + (around - outer) * span / 14, 0, 1)
        curve = out - 5 * (around - inner) * (around - outer) * 20
        half = np.float32(1.5) + np.float32(2.8) * rim
        plate = coverage(np.abs(curve) - half, frame.voxel) * coverage(edge, frame.voxel)
        if frame.voxel > 3:
            plate = plate * np.float32(0.6)
        crest_height = z - np.float32(APEX - 34 * size) - 40 * (around - inner)
        crest = slab_coverage(crest_height, 2.2, frame.voxel)
        crest = crest * coverage(np.maximum(-out, out - 26 * (around - inner) / 0.6), frame.voxel)
        crest = crest * coverage(edge, frame.voxel)
        compact = cortical_hu(subject) * 0.9
        paints.append(Paint(box, np.maximum(plate, crest), compact, bone=True))
    return paints

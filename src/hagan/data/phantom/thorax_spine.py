"""The spine and the long bones of the shoulder: vertebrae with discs, collar bones, humeri."""

import numpy as np

from hagan.data.phantom.fields import Field, capsule, coverage, ellipsoid
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import Frame
from hagan.data.phantom.thorax_landmarks import APEX, collar_bone, shoulder_end
from hagan.data.phantom.thorax_paint import Paint
from hagan.data.phantom.thorax_ribs import cortical_hu
from hagan.data.phantom.thorax_shape import Chest

DISC_HU, CORD_HU = 80.0, 28.0


def _level(z: Field, spacing: float) -> Field:
    """Height above the middle of the nearest vertebra, mm."""
    count = (z - np.float32(APEX + 9)) * np.float32(1 / spacing)
    level: Field = (count - np.rint(count)) * np.float32(spacing)
    return level


def spine_paint(subject: ThoraxSubject, frame: Frame, chest: Chest) -> list[Paint]:
    """Draw the spine: waisted bodies, discs, canal, arches and processes, periodic in z."""
    build = chest.build
    inside = (np.abs(frame.x) < 42) & (np.abs(frame.y - np.float32(build.spine + 22)) < 52)
    box = frame.box(inside, 2)
    z, y, x = (frame.fine(axis, box) for axis in (frame.z, frame.y, frame.x))
    spacing, voxel = 24.5 * build.size**0.8, frame.voxel
    grow = subject.bone**0.33 * build.size**0.5
    taper = np.clip(np.float32(0.98) - z * np.float32(0.0009), 0.8, 1.15)
    height = _level(z, spacing)
    half = np.float32(spacing / 2 - 2.7)
    waist = taper * (np.float32(0.90) + np.float32(0.10) * (height / half) ** 2)
    wide, deep = np.float32(18.5 * grow) * waist, np.float32(14.2 * grow) * waist
    ahead, across = y - np.float32(build.spine), np.abs(x)
    level = np.hypot(ahead / deep, across / wide)
    # The back of a vertebral body is hollow where it borders the canal.
    round_ = (level - 1) * np.minimum(deep, wide) * np.float32(1.04)
    canal_middle = build.spine + 14.5 * grow + 8.0
    canal = np.hypot((y - np.float32(canal_middle)) * np.float32(1.12), x) - np.float32(8.2)
    body = np.maximum(np.maximum(round_, np.abs(height) - half), -canal - 1)
    core = body + np.float32(1.5)
    disc = np.maximum(round_ + 1, -canal - 1)
    compact = np.float32(cortical_hu(subject) * 0.85)
    spongy = np.float32(subject.trabecular_hu)
    share = coverage(body, voxel)
    inner = np.clip(coverage(core, voxel) / np.maximum(share, np.float32(1e-3)), 0, 1)
    arch = _arch(z, y, across, canal, canal_middle, grow, spacing)
    bony = 0.45 * float(compact) + 0.55 * 250
    return [
        Paint(box, coverage(disc, voxel), DISC_HU),
        Paint(box, share, compact + inner * (spongy - compact), bone=True),
        Paint(box, coverage(arch, voxel), bony, bone=True),
        Paint(box, coverage(canal, voxel), CORD_HU),
    ]


def _arch(
    z: Field,
    y: Field,
    across: Field,
    canal: Field,
    canal_middle: float,
    grow: float,
    spacing: float,
) -> Field:
    """Measure laminae, spinous process (pointing down) and transverse processes."""
    behind = y - np.float32(canal_middle)
    height = _level(z, spacing)
    ring = np.maximum(np.abs(canal - 2.2) - np.float32(2.3), np.abs(height - 1) - 8)
    tilted = _level(z + np.float32(0.55) * (behind - 8), spacing)
    spine_out = np.maximum(across - np.float32(3.4 * grow), np.abs(tilted) - np.float32(8.0))
    spine_out = np.maximum(spine_out, np.abs(behind - 23) - np.float32(14.5 * grow))
    lift = behind - np.float32(0.35) * (across - 12)
    wing = np.hypot(lift, height - 3) - np.float32(5.0 * grow)
    wing = np.maximum(wing, np.abs(across - 21) - np.float32(12.0 * grow))
    arch: Field = np.minimum(np.minimum(ring, spine_out), wing)
    return arch


def limb_paint(subject: ThoraxSubject, frame: Frame, chest: Chest) -> list[Paint]:
    """Draw collar bones and the heads and shafts of the humeri, arms raised."""
    thick = 5.6 * subject.bone**0.5
    compact, spongy = cortical_hu(subject), subject.trabecular_hu * 0.6 + 30
    paints = []
    for side in (-1, 1):
        head = shoulder_end(subject, side)
        inner, bend, outer = collar_bone(subject, chest.build, side)
        shaft = (head[0] + 60, head[1] - 4, head[2] + 52.0 * side)
        low = min(inner[0], head[0] - 26) - 10
        inside = (frame.z > low) & (frame.x * side > 10) & (np.abs(frame.y) < 60)
        box = frame.box(inside, 2)
        z, y, x = (frame.fine(axis, box) for axis in (frame.z, frame.y, frame.x))
        bones = np.minimum(
            capsule(z, y, x, inner, bend, thick * 1.25, thick),
            capsule(z, y, x, bend, outer, thick, thick * 1.05),
        )
        upper = np.minimum(
            ellipsoid(z, y, x, head, (22, 22, 22)), capsule(z, y, x, head, shaft, 14, 11)
        )
        bones = np.minimum(bones, upper)
        solid = coverage(bones, frame.voxel)
        marrow = coverage(bones + np.float32(2.2), frame.voxel)
        inner_share = np.clip(marrow / np.maximum(solid, np.float32(1e-3)), 0, 1)
        mixed = np.float32(compact) + inner_share * np.float32(spongy - compact)
        paints.append(Paint(box, solid, mixed, bone=True))
    return paints

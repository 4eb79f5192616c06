"""A thorax CT phantom with known truth: COPD-like lungs in a whole chest, from one seed.

The phantom is an application for the models, not evidence about patients.
"""

import numpy as np

from hagan.data.phantom.fields import (
    Box,
    Field,
    blur,
    capsule,
    coverage,
    spline_noise,
    stream,
)
from hagan.data.phantom.rendered import CalibrationError, Rendered
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import COARSE, Frame, place
from hagan.data.phantom.thorax_landmarks import airway_trunk
from hagan.data.phantom.thorax_lobes import build_lobes
from hagan.data.phantom.thorax_noise import scanner_noise
from hagan.data.phantom.thorax_organs import organs
from hagan.data.phantom.thorax_paint import Canvas, Paint
from hagan.data.phantom.thorax_ribs import blade_paint, rib_paint, sternum_paint
from hagan.data.phantom.thorax_shape import Chest, solve_chest
from hagan.data.phantom.thorax_spine import limb_paint, spine_paint
from hagan.data.phantom.thorax_tissue import build_tissue, solve_emphysema
from hagan.data.phantom.thorax_trees import grow_trees
from hagan.data.phantom.thorax_truth import measure_truth
from hagan.data.phantom.thorax_wall import Wall, build_wall, draw_table

AIR_HU, FAT_HU, MUSCLE_HU, SKIN_HU = -1000.0, -104.0, 36.0, 10.0
HU_RANGE = (-1024, 3071)
_EXTERIOR_BLUR = 0.42


def render_thorax(subject: ThoraxSubject, side: int, masks: bool = False) -> Rendered:
    """Render a subject: shape, tissue, scan.

    The field of view is always 330 x 380 x 380 mm, and axis codes are S, P, L.

    Args:
        subject: Who is scanned.
        side: Voxels along each axis; 32 to 256 were tried.
        masks: Whether to return the shares of "lung", "bone" and "emphysema" too.

    Returns:
        The scan, the same bytes for the same subject and side.

    Raises:
        CalibrationError: If lung volume or %LAA-950 cannot be brought to the subject's targets.
    """
    frame = place(subject, side)
    chest = solve_chest(subject, frame)
    wall = build_wall(subject, frame, chest)
    lobes = build_lobes(subject, frame, chest)
    trees = grow_trees(subject, frame, chest, lobes)
    canvas = _paint_body(subject, frame, chest, wall)
    box = frame.box(chest.lung < 4, 8)
    lung = _lung_share(subject, frame, chest, box)
    tissue = build_tissue(subject, frame, chest, lobes, trees, box)
    outside = blur(canvas.hu, _EXTERIOR_BLUR)
    noise = scanner_noise(subject, frame, wall.skin)
    core = (lung > 0.5) & (tissue.lumen < 0.1)
    solved = solve_emphysema(subject.laa, tissue, core, lung, outside[box], noise[box])
    inner = solved.tissue.hu(solved.threshold)
    outside[box] += lung * (inner - outside[box])
    outside += noise
    voxels = np.rint(np.clip(outside, *HU_RANGE)).astype(np.int16)
    truth = measure_truth(
        subject,
        voxels,
        lung=lung,
        right=lung * (frame.fine(frame.x, box) < 0),
        solved=solved,
        core=core,
        inside=voxels[box],
        bone=canvas.bone,
        voxel_litres=frame.voxel_litres,
    )
    shares: dict[str, Field] = {}
    if masks:
        shares = {
            "lung": _placed(lung, frame, box),
            "bone": canvas.bone,
            "emphysema": _placed(lung * solved.tissue.destroyed(solved.threshold), frame, box),
        }
    return Rendered(voxels, truth, shares)


def _placed(part: Field, frame: Frame, box: Box) -> Field:
    whole = np.zeros(frame.shape, np.float32)
    whole[box] = part
    return whole


def _lung_share(subject: ThoraxSubject, frame: Frame, chest: Chest, box: Box) -> Field:
    """Cover voxels with lung, its surface moved by a hair so that the volume is met exactly."""
    distance = frame.fine(chest.lung, box)
    wanted = subject.lung_volume / frame.voxel_litres
    shift, step = 0.0, 0.25
    share = coverage(distance, frame.voxel)
    excess = float(share.sum(dtype=np.float64)) - wanted
    for _ in range(4):
        if abs(excess) < 5e-4 * wanted:
            break
        moved = coverage(distance + np.float32(shift + step), frame.voxel)
        after = float(moved.sum(dtype=np.float64)) - wanted
        slope = (after - excess) / step
        shift, share, excess = shift + step, moved, after
        step = float(np.clip(-excess / slope, -3, 3))
    if abs(excess) > 0.01 * wanted:
        raise CalibrationError(
            f"subject {subject.subject} of seed {subject.seed}: lung volume is off by "
            f"{100 * excess / wanted:.1f} % at side {frame.side}"
        )
    return share


def _paint_body(subject: ThoraxSubject, frame: Frame, chest: Chest, wall: Wall) -> Canvas:
    """Paint everything but the lungs, from the skin inwards."""
    rng = stream(subject.seed, subject.subject, "soft tissue")
    coarse = (COARSE, COARSE, COARSE)
    everywhere = (slice(None), slice(None), slice(None))
    voxel = frame.voxel
    skin, muscle = frame.fine(wall.skin), frame.fine(wall.muscle)
    distance = frame.fine(chest.cage.distance)
    hu = np.empty(frame.shape, np.float32)
    hu[:] = np.float32(AIR_HU) + draw_table(subject, wall, frame.side, voxel)
    canvas = Canvas(hu, np.zeros(frame.shape, np.float32))
    mottled = FAT_HU + 5 * spline_noise(rng, 12, coarse)
    streaky = MUSCLE_HU + 6 * spline_noise(rng, 20, coarse)
    streaky = streaky + wall.planes * (np.float32(FAT_HU) - streaky)
    canvas.paint(Paint(everywhere, coverage(skin, voxel), SKIN_HU))
    canvas.paint(Paint(everywhere, coverage(skin + np.float32(2), voxel), frame.fine(mottled)))
    canvas.paint(Paint(everywhere, coverage(muscle, voxel), frame.fine(streaky)))
    canvas.paint(Paint(everywhere, coverage(distance, voxel), FAT_HU + 12))
    for organ in organs(subject, frame, chest):
        box = frame.box(organ.distance < 6, 2)
        share = coverage(frame.fine(organ.distance, box), voxel)
        canvas.paint(Paint(box, share, organ.hu))
    for paint in [
        *rib_paint(subject, frame, chest, distance),
        *sternum_paint(subject, frame, chest, distance),
        *blade_paint(subject, frame, chest, distance),
        *spine_paint(subject, frame, chest),
        *limb_paint(subject, frame, chest),
        *_trunk_paint(frame, chest),
    ]:
        canvas.paint(paint)
    return canvas


def _trunk_paint(frame: Frame, chest: Chest) -> list[Paint]:
    """Paint trachea and main bronchi, walls first."""
    tubes = airway_trunk(chest.build)
    walls = np.full_like(frame.z, 99)
    for start, end, first, last in tubes:
        walls = np.minimum(walls, capsule(frame.z, frame.y, frame.x, start, end, first, last))
    box = frame.box(walls < 8, 2)
    z, y, x = (frame.fine(axis, box) for axis in (frame.z, frame.y, frame.x))
    lumen = np.full_like(z, 99)
    for start, end, first, last in tubes:
        lumen = np.minimum(lumen, capsule(z, y, x, start, end, first, last))
    return [
        Paint(box, coverage(lumen - np.float32(1.8), frame.voxel), 15.0),
        Paint(box, coverage(lumen, frame.voxel), -992.0),
    ]

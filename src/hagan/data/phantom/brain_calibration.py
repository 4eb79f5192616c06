"""Solves scale, ventricles, hippocampi and sulci so that a brain has the volumes it was drawn with.

Everything is solved on the work grid in unit space, where no shape has to be evaluated twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.brain_cortex import build_sheets
from hagan.data.phantom.brain_deep import Deep, build_deep
from hagan.data.phantom.brain_grid import (
    SPACING,
    Array,
    Corner,
    WorkSampler,
    build_space,
    choose_sampler,
)
from hagan.data.phantom.brain_hindbrain import Hindbrain, build_hindbrain
from hagan.data.phantom.brain_hull import build_outline
from hagan.data.phantom.brain_tissue import (
    Layer,
    Ribbon,
    Widths,
    compose,
    cover_cortex,
    sheet_ends,
)
from hagan.data.phantom.fields import coverage
from hagan.data.phantom.rendered import CalibrationError

_UNIT_ML = SPACING**3 / 1000
_HALF_WIDTH_MM = (0.12, 2.2)
_DEEPER_MM = (-7.0, 9.0)
_HALF_WIDTH_STEP = 0.15
_DEEPER_STEP = 3.0


@dataclass(frozen=True)
class Brain:
    """A solved brain, ready to be brought to any grid.

    Attributes:
        ribbon: The cortex.
        hindbrain: Cerebellum and brain stem.
        layers: Deep structures at their solved sizes.
        widths: Solved scale, sulcal half width, thickness and depth.
        icv_ml: Volume of everything inside the outline before it meets an image's edge.
    """

    ribbon: Ribbon
    hindbrain: Hindbrain
    layers: list[Layer]
    widths: Widths
    icv_ml: float


def solve_brain(subject: BrainSubject, side: int) -> Brain:
    """Build a subject's anatomy and solve its sizes.

    Intracranial volume gives the scale, then ventricles and hippocampi their girth, then half
    width and depth of the sulci are solved together for brain and grey-matter volume. Depth has
    limits; grey matter is met as well as they allow. Brain volume is always met: where the half
    width reaches a limit, the scale moves.

    Args:
        subject: Targets and factors.
        side: Voxels along each axis of the image that the volumes shall hold on.

    Returns:
        The solved brain.

    Raises:
        CalibrationError: A target is out of reach.
    """
    space = build_space(subject)
    hindbrain = build_hindbrain(subject, space)
    outline = build_outline(space, hindbrain)
    ribbon = Ribbon(outline.hull, outline.depth, build_sheets(subject, space, outline))
    deep = build_deep(subject, space, outline.hull)

    whole = outline.hull.copy()
    box = hindbrain.box
    whole[box] = np.minimum(whole[box], np.minimum(hindbrain.cerebellum, hindbrain.stem))
    unit_icv_ml = float(coverage(whole, SPACING).sum(dtype=np.float64)) * _UNIT_ML
    scale = (subject.icv_ml / unit_icv_ml) ** (1 / 3)
    for _ in range(4):
        layers = _size_deep(subject, deep, scale, side)
        widths, brain_ml = _solve_sulci(subject, ribbon, hindbrain, layers, scale)
        if abs(brain_ml / subject.brain_ml - 1) < 0.001:
            return Brain(ribbon, hindbrain, layers, widths, unit_icv_ml * scale**3)
        scale *= (subject.brain_ml / brain_ml) ** (1 / 3)
    raise CalibrationError(
        f"brain {subject.subject} of seed {subject.seed}: {brain_ml:.0f} ml after 4 rescalings, "
        f"target {subject.brain_ml:.0f} ml"
    )


def _size_deep(subject: BrainSubject, deep: Deep, scale: float, side: int) -> list[Layer]:
    """Solve the girth of hippocampi and ventricles and put all layers in order."""
    # Slender shapes lose a little volume on a coarse grid: they are sized on the grid they go to.
    sampler, voxel = choose_sampler(side, scale)
    unit = (voxel * scale) ** 3 / 1000

    def volume(distance: Callable[[float], Array], corner: Corner) -> Callable[[float], float]:
        def measure(girth: float) -> float:
            _, values = sampler(distance(girth), corner)
            return float(coverage(values, voxel).sum(dtype=np.float64)) * unit

        return measure

    hippocampal = volume(deep.hippocampus_distance, deep.hippocampi.corner)
    thick = _bisect(hippocampal, subject.hippocampi_ml, "hippocampi", subject)
    deep = deep.beside_hippocampi(thick)
    ventricular = volume(deep.ventricle_distance, deep.ventricles.corner)
    wide = _bisect(ventricular, subject.ventricles_ml, "ventricles", subject)
    hippocampi = Layer(
        "hippocampi",
        deep.hippocampus_distance(thick),
        deep.hippocampi.corner,
        1.0,
        0.0,
        subject.gm_intensity + 0.03,
        outside=True,
    )
    ventricles = Layer(
        "ventricles",
        deep.ventricle_distance(wide),
        deep.ventricles.corner,
        0.0,
        0.0,
        subject.csf_intensity,
        outside=True,
    )
    return [*deep.solids, *deep.cisterns, ventricles, hippocampi]


def _bisect(
    volume: Callable[[float], float], target_ml: float, name: str, subject: BrainSubject
) -> float:
    """Find the girth that gives a volume by bisection."""
    low, high = 0.35, 2.0
    while volume(high) < target_ml:
        high *= 1.4
        if high > 8:
            raise CalibrationError(
                f"brain {subject.subject} of seed {subject.seed}: {name} of {target_ml:.1f} ml "
                f"are out of reach, {volume(high):.1f} ml at most"
            )
    for _ in range(14):
        girth = float(np.sqrt(low * high))
        found = volume(girth)
        if abs(found / target_ml - 1) < 0.002:
            break
        low, high = (girth, high) if found < target_ml else (low, girth)
    return girth


def _solve_sulci(
    subject: BrainSubject,
    ribbon: Ribbon,
    hindbrain: Hindbrain,
    layers: list[Layer],
    scale: float,
) -> tuple[Widths, float]:
    """Solve half width and depth for brain and grey-matter volume; also the brain volume met."""
    unit = _UNIT_ML * scale**3
    mask = np.flatnonzero(ribbon.hull < SPACING / 2)
    keep = np.ones_like(ribbon.hull)
    for distance, corner in [
        (np.minimum(hindbrain.cerebellum, hindbrain.stem), hindbrain.corner),
        *((layer.distance, layer.corner) for layer in layers),
    ]:
        box, values = WorkSampler()(distance, corner)
        keep[box] *= 1 - coverage(values, SPACING)
    kept = keep.reshape(-1)[mask]
    hull = ribbon.hull.reshape(-1)[mask]
    depth = ribbon.depth.reshape(-1)[mask]
    across = [s.across.reshape(-1)[mask] for s in ribbon.sheets]

    def measure(half_width: float, deeper: float) -> tuple[float, float]:
        widths = Widths(scale, half_width, subject.thickness_mm, deeper)
        sheets = [
            (r, sheet_ends(s, deeper).reshape(-1)[mask], s.width)
            for r, s in zip(across, ribbon.sheets, strict=True)
        ]
        inside, csf, wm = cover_cortex(hull, depth, sheets, widths, SPACING)
        fluid = float((csf * kept).sum(dtype=np.float64))
        grey = float(((inside - csf - wm) * kept).sum(dtype=np.float64))
        return fluid * unit, grey * unit

    half_width, deeper = subject.sulcal_half_width_mm, 0.0
    # What cortex and its fluid cannot change is measured once on the whole brain.
    first = Widths(scale, half_width, subject.thickness_mm, deeper)
    whole = compose(ribbon, hindbrain, layers, first, (0.0, 0.0), WorkSampler(), SPACING)
    fluid, grey = measure(half_width, deeper)
    total_ml, gm_ml, csf_ml = (
        float(f.sum(dtype=np.float64)) * unit
        for f in (whole.gm + whole.wm + whole.csf, whole.gm, whole.csf)
    )
    aim = np.array([total_ml - subject.brain_ml - csf_ml + fluid, subject.gm_ml - gm_ml + grey])
    state = np.array([fluid, grey])
    place = np.array([half_width, deeper])
    steps = np.array([_HALF_WIDTH_STEP, _DEEPER_STEP])
    jacobian = np.empty((2, 2))
    for axis in range(2):
        probe = place.copy()
        probe[axis] += steps[axis]
        jacobian[:, axis] = (np.array(measure(*probe)) - state) / steps[axis]
    low, high = np.array([_HALF_WIDTH_MM, _DEEPER_MM]).T
    for _ in range(8):
        miss = aim - state
        if abs(miss[0]) < 0.0005 * subject.brain_ml and (
            abs(miss[1]) < 0.005 * subject.gm_ml or not low[1] < place[1] < high[1]
        ):
            break
        wanted = np.clip(place + np.linalg.solve(jacobian, miss), low, high)
        if not low[1] < wanted[1] < high[1]:
            # Depth is at its limit: brain volume has to be met by the half width alone.
            rest = miss[0] - jacobian[0, 1] * (wanted[1] - place[1])
            wanted[0] = np.clip(place[0] + rest / jacobian[0, 0], low[0], high[0])
        move = wanted - place
        if np.abs(move / steps).max() < 1e-4:
            break
        found = np.array(measure(*wanted))
        # Broyden's update of the slopes.
        scaled = move / steps
        surprise = found - state - jacobian @ move
        jacobian += np.outer(surprise, scaled / steps) / (scaled @ scaled)
        place, state = wanted, found
    widths = Widths(scale, float(place[0]), subject.thickness_mm, float(place[1]))
    return widths, float(total_ml - (csf_ml - fluid + state[0]))

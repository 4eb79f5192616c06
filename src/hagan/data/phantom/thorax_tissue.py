"""Lung tissue and emphysema: texture, vessels, airways, fissures, and a solved %LAA-950."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import Box, Field, slab_coverage, spline_noise, stream
from hagan.data.phantom.rendered import CalibrationError
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import Frame
from hagan.data.phantom.thorax_landmarks import APEX
from hagan.data.phantom.thorax_lobes import Lobes
from hagan.data.phantom.thorax_raster import rasterize
from hagan.data.phantom.thorax_shape import Chest
from hagan.data.phantom.thorax_trees import Trees

LAA_HU = -950.0
HOLE_HU, VESSEL_HU, WALL_HU, AIR_HU = -978.0, 40.0, 10.0, -1000.0
SOFTNESS = 0.35
PRUNING = 0.55
_LATTICES = (7, 14, 28, 56, 112)


@dataclass(frozen=True)
class Tissue:
    """What a lung is made of; arrays share one shape, a box of the scan or a list of voxels.

    Attributes:
        healthy: Attenuation of parenchyma without emphysema, HU.
        vessel: Share of vessels, 0 to 1.
        wall: Share of airway walls and fissures.
        lumen: Share of air in airways.
        field: Emphysema field; tissue is destroyed where it exceeds a threshold.
    """

    healthy: Field
    vessel: Field
    wall: Field
    lumen: Field
    field: Field

    def at(self, voxels: NDArray[np.bool_]) -> "Tissue":
        """List the voxels of a mask."""
        return Tissue(
            self.healthy[voxels],
            self.vessel[voxels],
            self.wall[voxels],
            self.lumen[voxels],
            self.field[voxels],
        )

    def destroyed(self, threshold: float) -> Field:
        """Share of emphysema in each voxel, 0 to 1."""
        soft = np.float32(0.5) + (self.field - np.float32(threshold)) * np.float32(1 / SOFTNESS)
        share: Field = np.clip(soft, 0, 1)
        return share

    def hu(self, threshold: float) -> Field:
        """Attenuation in HU with emphysema where the field exceeds the threshold."""
        hole = self.destroyed(threshold)
        vessel = self.vessel * (1 - np.float32(PRUNING) * hole)
        mixed = self.healthy + hole * (np.float32(HOLE_HU) - self.healthy)
        mixed *= 1 - vessel - self.wall - self.lumen
        mixed += np.float32(VESSEL_HU) * vessel
        mixed += np.float32(WALL_HU) * self.wall
        mixed += np.float32(AIR_HU) * self.lumen
        return mixed


def build_tissue(
    subject: ThoraxSubject,
    frame: Frame,
    chest: Chest,
    lobes: Lobes,
    trees: Trees,
    box: Box,
) -> Tissue:
    """Fill the box around the lungs with parenchyma, trees, fissures and the emphysema field."""
    rng = stream(subject.seed, subject.subject, "texture")
    y = frame.fine(frame.y, box)
    mean = subject.parenchyma_hu - 22 * subject.hyperinflation
    healthy = np.float32(mean) + np.float32(20 / 80) * y
    for lattice, amplitude in ((7, 14.0), (14, 9.0), (96, 16.0)):
        healthy += np.float32(amplitude) * spline_noise(rng, lattice, frame.shape, box)
    vessel = rasterize(trees.vessels, frame, box)
    lumen = rasterize(trees.lumen, frame, box)
    outer = np.maximum(rasterize(trees.outer, frame, box), lumen)
    oblique = frame.fine(lobes.oblique, box)
    horizontal = frame.fine(lobes.horizontal, box)
    horizontal = np.where((oblique > 0) & (frame.fine(frame.x, box) < 0), horizontal, 99)
    fissure = np.maximum(
        slab_coverage(oblique, 0.45, frame.voxel), slab_coverage(horizontal, 0.3, frame.voxel)
    )
    vessel = np.minimum(vessel, 1 - outer)
    wall = np.minimum(outer - lumen + np.float32(0.3) * fissure, 1 - lumen - vessel)
    return Tissue(
        healthy=healthy,
        vessel=vessel,
        wall=wall,
        lumen=lumen,
        field=_field(subject, frame, chest, vessel, box),
    )


def _field(subject: ThoraxSubject, frame: Frame, chest: Chest, vessel: Field, box: Box) -> Field:
    """Sum noises of falling size, then lean to the upper lung, the pleura, away from vessels."""
    rng = stream(subject.seed, subject.subject, "emphysema")
    weights = [2.0 ** (-subject.clustering * octave) for octave in range(len(_LATTICES))]
    scale = 1 / float(np.sqrt(np.sum(np.square(weights))))
    field = np.zeros_like(vessel)
    for lattice, weight in zip(_LATTICES, weights, strict=True):
        field += np.float32(weight * scale) * spline_noise(rng, lattice, frame.shape, box)
    tall = APEX - chest.build.dome
    height = (frame.fine(frame.z, box) - np.float32(chest.build.dome)) * np.float32(1 / tall)
    field += np.float32(2 * subject.upper_gradient) * (np.clip(height, 0, 1) - np.float32(0.5))
    depth = np.maximum(-frame.fine(chest.lung, box), 0)
    field += np.float32(subject.subpleural) * np.exp(depth * np.float32(-1 / 12))
    field -= np.float32(1.2) * vessel
    return field


@dataclass(frozen=True)
class Emphysema:
    """A solved lung.

    Attributes:
        tissue: The tissue, raised in attenuation if noise alone exceeded the target.
        threshold: Threshold of the emphysema field.
        measured: Share of lung voxels below -950 HU in percent, noise included.
        noise_free: The same without noise.
        raised: How much the healthy tissue had to be raised, HU.
    """

    tissue: Tissue
    threshold: float
    measured: float
    noise_free: float
    raised: float


def percent_low(values: Field) -> float:
    """Share of voxels whose stored value lies below -950 HU, in percent."""
    return 100 * float(np.count_nonzero(np.rint(values) < LAA_HU)) / max(values.size, 1)


def solve_emphysema(
    target: float,
    tissue: Tissue,
    core: NDArray[np.bool_],
    lung: Field,
    beside: Field,
    noise: Field,
) -> Emphysema:
    """Find the emphysema that gives the wanted %LAA-950 on the final values, noise included.

    Args:
        target: Wanted share of voxels below -950 HU, percent.
        tissue: The lungs.
        core: Voxels that are counted.
        lung: Share of lung in every voxel, shaped like `core`.
        beside: Attenuation of what is not lung in every voxel, HU.
        noise: Image noise, HU.

    Raises:
        CalibrationError: If the target is missed by more than 3 % and more than 0.1 points.
    """
    listed = tissue.at(core)
    share = lung[core]
    rest = (1 - share) * beside[core]
    grain = noise[core]

    def low(state: Tissue, threshold: float) -> float:
        return percent_low(share * state.hu(threshold) + rest + grain)

    # Dark lungs in a noisy scan may exceed a small target with no emphysema at all.
    raised = 0.0
    if low(listed, 99.0) > 0.85 * target:
        bottom, top = 0.0, 160.0
        for _ in range(12):
            raised = (bottom + top) / 2
            fits = low(replace(listed, healthy=listed.healthy + np.float32(raised)), 99.0)
            bottom, top = (raised, top) if fits > 0.8 * target else (bottom, raised)
        raised = top
        listed = replace(listed, healthy=listed.healthy + np.float32(raised))
        tissue = replace(tissue, healthy=tissue.healthy + np.float32(raised))
    bottom, top = -9.0, 9.0
    for _ in range(20):
        threshold = (bottom + top) / 2
        bottom, top = (threshold, top) if low(listed, threshold) > target else (bottom, threshold)
    threshold = min((bottom, top), key=lambda t: abs(low(listed, t) - target))
    measured = low(listed, threshold)
    error = abs(measured - target)
    if error > max(0.03 * target, 0.1):
        raise CalibrationError(f"%LAA-950 is {measured:.2f}, wanted {target:.2f}")
    quiet = percent_low(share * listed.hu(threshold) + rest)
    return Emphysema(tissue, threshold, measured, quiet, raised)

"""Brain stem and cerebellum with its folia, as layers below the cerebrum."""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.brain_grid import SHAPE, Array, Box, Corner, Space, slice_box
from hagan.data.phantom.fields import (
    capsule,
    ellipsoid,
    smooth_max,
    smooth_min,
    spline_noise,
    stream,
)


@dataclass(frozen=True)
class Hindbrain:
    """Cerebellum and brain stem on one box of the work grid.

    Attributes:
        corner: First index (d, h, w) of the box.
        cerebellum: Signed distance [d, h, w] to the cerebellum's outline in unit mm.
        phase: Number of the folium [d, h, w], a whole number in the middle of each fissure.
        pitch: Distance between fissures [d, h, w] in unit mm.
        core: Signed distance [d, h, w] to the white core in unit mm.
        stem: Signed distance [d, h, w] to brain stem and peduncles in unit mm.
    """

    corner: Corner
    cerebellum: Array
    phase: Array
    pitch: Array
    core: Array
    stem: Array

    @property
    def box(self) -> Box:
        """Slices of the work grid that the fields fill."""
        return slice_box(self.corner, self.stem.shape)


def build_hindbrain(subject: BrainSubject, space: Space) -> Hindbrain:
    """Shape the hindbrain.

    Args:
        subject: Whose random streams to use.
        space: Anatomical coordinates.

    Returns:
        The hindbrain's fields.
    """
    box = space.box((-80, -14, -52), (-2, 82, 52), 2)
    z, y, x = space.z[box], space.y[box], space.x[box]
    side = np.abs(x)

    lobe = ellipsoid(z, y, side, (-42, 44, 23), (25, 28, 26))
    vermis = ellipsoid(z, y, side, (-31, 43, 0), (23, 24, 15))
    cerebellum = smooth_min(lobe, vermis, 5)
    # The tentorium rises towards the midline, and the fourth ventricle's roof is flat in front.
    roof = np.float32(-21) + 14 * np.exp(-((side / 24) ** 2))
    above: Array = (z - roof) * np.float32(0.85)
    cerebellum = smooth_max(cerebellum, above, 6)
    cerebellum = smooth_max(cerebellum, (np.float32(20) + 0.1 * side - y) * np.float32(0.95), 5)

    rng = stream(subject.seed, subject.subject, "brain/folia")
    sway = spline_noise(rng, (10, 12, 9), SHAPE)[box]
    # The centre that fissures radiate from sinks sideways; else one axial slice would run along
    # a single folium.
    forward = y - np.float32(24) + np.float32(0.011) * side * side
    upward = z + np.float32(30) + np.float32(0.32) * side
    span = np.sqrt(forward * forward + upward * upward) + np.float32(1e-3)
    angle = np.arctan2(upward, forward)
    folia = np.float32(40.0)
    phase = angle * np.float32(folia / (2 * np.pi)) + np.float32(0.4) * sway
    pitch = span * np.float32(2 * np.pi / folia)
    core = smooth_min(
        ellipsoid(z, y, side, (-40, 36, 18), (6, 11, 14)),
        ellipsoid(z, y, side, (-36, 32, 0), (5, 7, 10)),
        5,
    )

    midbrain = ellipsoid(z, y, side, (-17, 8, 6), (13, 10, 10))
    pons = ellipsoid(z, y, x, (-36, 6, 0), (13.5, 14, 17))
    medulla = capsule(z, y, x, (-42, 14, 0), (-82, 24, 0), 9.0, 5.5)
    peduncle = capsule(z, y, side, (-36, 12, 12), (-38, 32, 19), 8.0, 6.0)
    stem = smooth_min(smooth_min(midbrain, pons, 4), smooth_min(medulla, peduncle, 4), 4)
    stem = smooth_max(stem, np.float32(-73) - z, 2)
    corner = (box[0].start, box[1].start, box[2].start)
    return Hindbrain(corner, cerebellum, phase, pitch, core, stem)

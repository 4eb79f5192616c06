"""Deep structures of the cerebrum: callosum, nuclei, hippocampi, ventricles."""

from dataclasses import dataclass, replace

import numpy as np

from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.brain_grid import Array, Corner, Space, slice_box
from hagan.data.phantom.brain_shapes import (
    Tube,
    build_pair,
    build_tube,
    join_tubes,
    move_to_box,
)
from hagan.data.phantom.brain_tissue import Layer
from hagan.data.phantom.fields import ellipsoid, smooth_max


@dataclass(frozen=True)
class Deep:
    """Everything inside the cerebrum that is not cortex.

    Attributes:
        solids: Layers of fixed size, in the order they are laid.
        hippocampi: Their axis and radius, to be sized.
        ventricles: The lateral ventricles' axis and radius, to be sized.
        hull: Signed distance [d, h, w] to the cerebrum on the whole work grid; hippocampi and
            ventricles end there.
        walls: Distance [d, h, w] that the ventricles must keep positive, on their box: callosum
            and septum.
        nuclei: The same for caudates and thalami, which yield to large ventricles.
        cisterns: Fluid of fixed size.
    """

    solids: list[Layer]
    hippocampi: Tube
    ventricles: Tube
    hull: Array
    walls: Array
    nuclei: Array
    cisterns: list[Layer]

    def beside_hippocampi(self, girth: float) -> "Deep":
        """Wall the ventricles off from hippocampi of one girth."""
        solid = move_to_box(
            self.hippocampus_distance(girth), self.hippocampi.corner, self.ventricles
        )
        return replace(self, walls=np.minimum(self.walls, solid))

    def ventricle_distance(self, girth: float) -> Array:
        """Signed distance [d, h, w] in unit mm of the lateral ventricles at one girth."""
        yielding = np.float32(max(girth - 1.3, 0.0) * 1.6)
        tube = self.ventricles.distance(girth)
        held = smooth_max(tube, -(self.nuclei + yielding), 1.5)
        held = smooth_max(held, -self.walls, 1.5)
        return np.maximum(held, self.hull[self.ventricles.box])

    def hippocampus_distance(self, girth: float) -> Array:
        """Signed distance [d, h, w] in unit mm of the hippocampi at one girth."""
        tube = self.hippocampi.distance(girth)
        return np.maximum(tube, self.hull[self.hippocampi.box])


def _callosum(space: Space) -> tuple[Array, Corner]:
    """A band along an arch, thick at genu and splenium, fanning out sideways into the lobes."""
    box = space.box((-6, -52, -30), (30, 36, 30), 7)
    z, y, side = space.z[box], space.y[box], np.abs(space.x[box])
    # Its fibres fan out sideways: the arch widens away from the midline, forwards most.
    fan = 1 / (1 + np.float32(0.0009) * side * side)
    arch = ellipsoid(
        (z + 3) * np.sqrt(fan), (y + 9) * fan, np.asarray(np.float32(0)), (0, 0, 0), (25, 36.5, 1)
    )
    ends = np.clip(np.abs(y + 9) * np.float32(1 / 36) - np.float32(0.55), 0, 1)
    band = np.abs(arch) - (np.float32(2.6) + 4 * ends)
    level = np.where(y > -9, np.float32(0), np.float32(-4))
    band = smooth_max(band, level - z, 3)
    band = smooth_max(band, side - 24, 6)
    return band, (box[0].start, box[1].start, box[2].start)


def build_deep(subject: BrainSubject, space: Space, hull: Array) -> Deep:
    """Evaluate all deep structures; nuclei give way sideways to large ventricles.

    Args:
        subject: Whose ventricle target and third ventricle to use.
        space: Anatomical coordinates.
        hull: Signed distance [d, h, w] to the cerebrum in unit mm.

    Returns:
        The structures, hippocampi and ventricles still to be sized.
    """
    push = float(np.clip(1.7 * np.log(subject.ventricles_ml / 12), -1.5, 4.0))
    grey = 0.70

    def layer(
        name: str, shape: tuple[Array, Corner], gm: float, wm: float, intensity: float
    ) -> Layer:
        return Layer(name, shape[0], shape[1], gm, wm, intensity)

    thalamus = build_pair(space, (3, 3, 10.5 + 0.6 * push), (10, 15, 9.5), 0.35)
    putamen = build_pair(space, (-1, -17, 26 + 0.5 * push), (12.5, 18, 5.3), 0.28)
    pallidum = build_pair(space, (-3, -12, 19.5 + 0.6 * push), (8, 11, 4.6), 0.42)
    amygdala = build_pair(space, (-22, -14, 22), (6.5, 6.5, 6.5))
    tail = 0.9 * push
    caudate = build_tube(
        space,
        [
            (2, -33, 12.5 + push, 5.9),
            (11, -20, 14.0 + push, 4.5),
            (17, -4, 17.5 + push, 2.8),
            (16, 10, 22.0 + tail, 2.3),
            (7, 22, 28.0 + tail, 1.7),
            (-10, 12, 33.0, 1.4),
        ],
    )
    hippocampi = build_tube(
        space,
        [
            (-26, -7, 21, 5.4),
            (-24, 0, 25, 5.4),
            (-18, 10, 27, 4.2),
            (-10, 19, 25, 3.6),
            (-3, 23, 20, 2.3),
        ],
        flatten=0.85,
        room=9,
    )
    ventricles = build_tube(
        space,
        [
            (-4, -42, 16, 1.0),
            (2, -37, 12, 3.6),
            (11, -20, 7.8, 4.3),
            (15, -2, 8.8, 3.6),
            (13, 14, 15, 3.8),
            (8, 26, 24, 5.0),
            (-2, 24, 30, 3.4),
            (-14, 12, 33, 2.0),
            (-23, -4, 31, 1.6),
        ],
        flatten=0.85,
        room=14,
    )
    horn = build_tube(space, [(8, 26, 24, 4.6), (4, 40, 27, 2.6), (1, 54, 25, 1.2)], 1.0, 14)
    ventricles = join_tubes(ventricles, horn)

    callosum = _callosum(space)
    diencephalon = build_pair(space, (-9, 1, 0), (12, 15, 13))
    fornix = build_tube(
        space, [(13, 16, 5, 1.8), (16, 4, 1.8, 1.8), (8, -16, 1.5, 1.8), (-8, -20, 2, 1.5)]
    )
    caudate_shape = (caudate.distance(1.0), caudate.corner)
    fornix_shape = (fornix.distance(1.0), fornix.corner)

    septum = np.abs(space.x[ventricles.box]) - np.float32(0.7)
    walls = np.minimum(move_to_box(*callosum, ventricles), septum)
    nuclei = np.minimum(move_to_box(*caudate_shape, ventricles), move_to_box(*thalamus, ventricles))

    solids = [
        layer("diencephalon", diencephalon, 0.6, 0.4, 0.80),
        layer("callosum", callosum, 0.0, 1.0, 1.03),
        layer("putamina", putamen, 1.0, 0.0, 0.80),
        layer("pallida", pallidum, 0.7, 0.3, 0.91),
        layer("caudates", caudate_shape, 1.0, 0.0, 0.77),
        layer("amygdalae", amygdala, 1.0, 0.0, grey + 0.03),
        layer("thalami", thalamus, 1.0, 0.0, 0.84),
        layer("fornices", fornix_shape, 0.0, 1.0, 0.97),
    ]
    cisterns = _cisterns(subject, space)
    return Deep(solids, hippocampi, ventricles, hull, walls, nuclei, cisterns)


def _cisterns(subject: BrainSubject, space: Space) -> list[Layer]:
    """Third and fourth ventricle and the aqueduct between them."""
    # A flat ellipsoid of 13 x 12 mm half axes: its volume gives the half width.
    fluid = subject.csf_intensity
    half = max(subject.third_ventricle_ml * 1000 / (4 / 3 * np.pi * 13 * 12), 0.5)
    third = build_pair(space, (-4, -5, 0), (13, 12, half))
    box = slice_box(third[1], third[0].shape)
    bridge = ellipsoid(space.z[box], space.y[box], space.x[box], (0, -2, 0), (3, 3.5, 6))
    third = (np.maximum(third[0], -bridge), third[1])
    aqueduct = build_tube(space, [(-12, 9, 0, 1.1), (-25, 19, 0, 1.2)])
    fourth = build_pair(space, (-36, 25, 0), (11, 5.5, 6.5))
    return [
        Layer("third", third[0], third[1], 0.0, 0.0, fluid),
        Layer("aqueduct", aqueduct.distance(1.0), aqueduct.corner, 0.0, 0.0, fluid, True),
        Layer("fourth", fourth[0], fourth[1], 0.0, 0.0, fluid, True),
    ]

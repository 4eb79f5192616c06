"""Organs outside the lung: great vessels in mediastinal fat, airways' trunk, upper abdomen."""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.fields import (
    Field,
    capsule,
    ellipsoid,
    smooth_max,
    smooth_min,
    spline_noise,
    stream,
)
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import COARSE, Frame
from hagan.data.phantom.thorax_landmarks import great_vessels
from hagan.data.phantom.thorax_shape import Chest

LIVER_HU, SPLEEN_HU, BLOOD_HU, STOMACH_HU, BOWEL_HU = 57.0, 47.0, 42.0, 25.0, 15.0


@dataclass(frozen=True)
class Organ:
    """One organ on the coarse grid: signed distance in mm [d, h, w] and attenuation in HU."""

    distance: Field
    hu: float


def organs(subject: ThoraxSubject, frame: Frame, chest: Chest) -> list[Organ]:
    """Measure every soft organ outside the lung, in the order to paint them."""
    z, y, x, build = frame.z, frame.y, frame.x, chest.build
    vessels = np.full_like(z, 200)
    for start, end, first, last in great_vessels(build):
        vessels = np.minimum(vessels, capsule(z, y, x, start, end, first, last))
    blood = smooth_min(chest.heart, vessels, 4)
    return [*_abdomen(subject, frame, chest), Organ(blood, BLOOD_HU)]


def _abdomen(subject: ThoraxSubject, frame: Frame, chest: Chest) -> list[Organ]:
    """Measure liver, spleen, stomach with its bubble of gas, kidneys and bowel."""
    rng = stream(subject.seed, subject.subject, "abdomen")
    z, y, x, build = frame.z, frame.y, frame.x, chest.build
    inside = chest.abdomen + np.float32(2.5)
    size, top, depth = build.size, build.dome, build.half_depth
    jitter = rng.standard_normal(8).tolist()
    below = np.float32(top) - z
    flank = x - np.float32(30 + 10 * jitter[0]) + np.float32(0.55) * below
    liver = smooth_max(inside, flank, 18)
    liver = smooth_max(liver, y - np.float32(0.95 * depth) + np.maximum(x + 60, 0), 14)
    spleen = ellipsoid(
        z, y, x,
        (top - 46 - 6 * jitter[1], 0.52 * depth, 82 * size),
        (38 + 5 * jitter[2], 38, 27),
    )  # fmt: skip
    stomach = ellipsoid(
        z, y, x,
        (top - 44, -0.12 * depth, 52 * size),
        (38 + 4 * jitter[3], 46, 38 + 4 * jitter[4]),
    )  # fmt: skip
    stomach = smooth_max(stomach, inside, 6)
    level = y + np.float32(0.22 * depth + 9 * jitter[5])
    gas = np.maximum(stomach + 4, level)
    kidneys = np.minimum(
        ellipsoid(z, y, x, (top - 112, 0.6 * depth, -55), (50, 24, 26)),
        ellipsoid(z, y, x, (top - 104, 0.6 * depth, 58), (50, 24, 26)),
    )
    loops = 9 - 15 * np.abs(spline_noise(rng, 16, (COARSE, COARSE, COARSE)))
    bowel = np.maximum(np.maximum(loops, inside + 4), -below + 55)
    return [
        Organ(bowel, BOWEL_HU),
        Organ(np.maximum(kidneys, inside), 34.0),
        Organ(smooth_max(spleen, inside, 5), SPLEEN_HU),
        Organ(stomach, STOMACH_HU),
        Organ(gas, -985.0),
        Organ(liver, LIVER_HU),
    ]

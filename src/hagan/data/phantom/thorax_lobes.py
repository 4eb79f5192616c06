"""The lobes of the lungs and the fissures between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import Field, spline_noise, stream
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import COARSE, Frame
from hagan.data.phantom.thorax_landmarks import APEX
from hagan.data.phantom.thorax_shape import Chest

SLOPE = 0.75


@dataclass(frozen=True)
class Lobes:
    """Fissures on the coarse grid [COARSE, COARSE, COARSE].

    Attributes:
        oblique: Signed distance to the oblique fissures, positive above and in front, mm.
        horizontal: Signed distance to the right lung's horizontal fissure, positive above, mm.
        label: 0 lower, 1 upper, 2 middle lobe (right lung only).
    """

    oblique: Field
    horizontal: Field
    label: NDArray[np.intp]


def build_lobes(subject: ThoraxSubject, frame: Frame, chest: Chest) -> Lobes:
    """Lay the fissures: oblique ones falling to the front, a horizontal one on the right."""
    rng = stream(subject.seed, subject.subject, "lobes")
    build = chest.build
    shape = (COARSE, COARSE, COARSE)
    tall = APEX - build.dome
    tilt = SLOPE + 0.08 * rng.standard_normal()
    height = APEX - tall * (0.56 + 0.04 * rng.standard_normal())
    wave = 4 * spline_noise(rng, 6, shape)
    # The outer parts of the fissure lie lower than its middle, as the lower lobe is a cone.
    sheet: Field = frame.z - np.float32(height) - np.float32(tilt) * frame.y + wave
    sheet = sheet + np.float32(0.12) * (np.abs(frame.x) - 60)
    oblique = sheet * np.float32(1 / np.hypot(1, tilt))
    level = APEX - tall * (0.58 + 0.04 * rng.standard_normal())
    horizontal = frame.z - np.float32(level) + 4 * spline_noise(rng, 6, shape)
    right = frame.x < 0
    label = np.where(oblique < 0, 0, np.where(right & (horizontal < 0), 2, 1)).astype(np.intp)
    return Lobes(oblique, horizontal, label)

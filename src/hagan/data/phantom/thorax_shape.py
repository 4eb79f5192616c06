"""The chest cavity: cage, mediastinum and diaphragm, with the lung volume solved, not hoped for."""

from dataclasses import dataclass, replace

import numpy as np

from hagan.data.phantom.fields import (
    Field,
    capsule,
    coverage,
    ellipsoid,
    smooth_max,
    smooth_min,
)
from hagan.data.phantom.rendered import CalibrationError
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import FIELD_OF_VIEW, Frame
from hagan.data.phantom.thorax_landmarks import (
    APEX,
    BULGING,
    Build,
    first_build,
    great_vessels,
    profile,
)

# A lower diaphragm would leave the recesses outside the scan, a wider chest the arms' side.
LOWEST_DOME, WIDEST = -94.0, 146.0


@dataclass(frozen=True)
class Cage:
    """The inside of the rib cage on the coarse grid.

    Attributes:
        distance: Signed distance to the pleura in mm, negative inside.
        angle: Angle around the chest from the back (0) to the front (pi).
    """

    distance: Field
    angle: Field


@dataclass(frozen=True)
class Chest:
    """A solved chest on the coarse grid [COARSE, COARSE, COARSE].

    Attributes:
        build: Its landmarks.
        cage: Inside of the rib cage.
        lung: Signed distance to both lungs in mm.
        mediastinum: Signed distance to what lies between them.
        heart: Signed distance to the heart.
        abdomen: Signed distance to the space under the diaphragm.
    """

    build: Build
    cage: Cage
    lung: Field
    mediastinum: Field
    heart: Field
    abdomen: Field


def cage(build: Build, z: Field, y: Field, x: Field) -> Cage:
    """Measure the superelliptic cage: squarer at the back, its apex towards the back.

    The distance is the level over its gradient, which stays true well outside the pleura.
    """
    share = profile(build, z)
    half_depth = np.float32(build.half_depth) * share
    across = np.abs(x) / (np.float32(build.half_width) * share)
    along = (y - np.float32(0.45 * build.half_depth) * (1 - share)) / half_depth
    ahead = np.abs(along)
    back = np.clip(along * np.float32(1.5) + np.float32(0.5), 0, 1)
    power = np.float32(build.exponent) + np.float32(0.9) * back
    across_term = np.maximum(across, 1e-3) ** power
    ahead_term = np.maximum(ahead, 1e-3) ** power
    level = (across_term + ahead_term) ** (1 / power)
    steep_x = across_term / np.maximum(across, 1e-3) / (np.float32(build.half_width) * share)
    steep_y = ahead_term / np.maximum(ahead, 1e-3) / half_depth
    below = np.clip((APEX - z) / np.float32(190 * build.size), 0.03, 1)
    # Slope of the profile: without it the dome of the pleura would look much thicker than it is.
    narrowing = (
        np.float32(0.52 * 2.6) * (1 - below) ** np.float32(1.6) / np.maximum(share, 0.15)
    ) / np.float32(190 * build.size)
    slope = level ** (1 - power) * np.hypot(steep_x, steep_y)
    # Far outside, the linear model of the slope would pull the shoulders up into the neck.
    slope = np.hypot(slope, np.minimum(level, 1) * narrowing)
    sideways = (level - 1) / slope
    above = np.maximum(z - np.float32(APEX), 0)
    distance = np.where(above > 0, np.hypot(np.maximum(sideways, 0), above), sideways)
    angle = np.arctan2(across, along)
    return Cage(distance.astype(np.float32, copy=False), angle.astype(np.float32, copy=False))


def heart(build: Build, z: Field, y: Field, x: Field) -> Field:
    """Measure the heart: left ventricle to the left and front, right heart, left atrium behind."""
    f = build.heart * (0.75 + 0.25 * build.size)
    middle = build.heart_height
    cosine, sine = np.float32(np.cos(build.heart_turn)), np.float32(np.sin(build.heart_turn))
    front = np.float32(-0.24 * build.half_depth)
    turned_y = cosine * (y - front) - sine * x
    turned_x = sine * (y - front) + cosine * x
    left = ellipsoid(
        z + np.float32(0.35) * turned_x, turned_y, turned_x,
        (middle + 4, -8 * f, 31 * f), (47 * f, 38 * f, 47 * f),
    )  # fmt: skip
    right = ellipsoid(z, turned_y, turned_x, (middle + 8, -6 * f, -4 * f), (47 * f, 36 * f, 41 * f))
    atrium = ellipsoid(
        z, turned_y, turned_x, (middle + 22 * f, 26 * f, 2 * f), (26 * f, 21 * f, 36 * f)
    )
    return smooth_min(smooth_min(left, right, 14), atrium, 10)


def mediastinum(build: Build, organ: Field, z: Field, y: Field, x: Field) -> Field:
    """Measure what keeps the lungs apart: heart, upper column, hila, spine and descending aorta."""
    carina, middle, depth = build.carina, build.heart_height, build.half_depth
    column = _rod(y, x, (0.04 * depth, 1.0), (0.58 * depth, 19.0))
    column = np.maximum(column, np.float32(middle) - z)
    stalk = _rod(y, x, (0.22 * depth, 7.0), (0.42 * depth, 16.0))
    seam = _rod(y, x, (-0.6 * depth, 4.0), (0.6 * depth, 4.5))
    vertebrae = _rod(y, x, (build.spine + 8, 0.0), (27.0, 23.0))
    aorta = _rod(y, x, (build.spine - 10, 20.0), (17.0, 16.0))
    aorta = np.maximum(aorta, z - np.float32(carina + 35))
    hila = np.minimum(
        ellipsoid(z, y, x, (carina - 24, 0.2 * depth, -24), (24, 16, 28)),
        ellipsoid(z, y, x, (carina - 18, 0.2 * depth, 26), (22, 16, 26)),
    )
    together = smooth_min(organ - 4, column, 16)
    vessels = np.full_like(organ, 99)
    for start, end, first, last in great_vessels(build)[:BULGING]:
        vessels = np.minimum(vessels, capsule(z, y, x, start, end, first, last))
    together = smooth_min(together, vessels - 3, 14)
    for part in (stalk, vertebrae, aorta, hila):
        together = smooth_min(together, part, 9)
    return smooth_min(together, seam, 8)


def _rod(y: Field, x: Field, middle: tuple[float, float], radii: tuple[float, float]) -> Field:
    """Measure an upright elliptic cylinder given by (y, x)."""
    along = (y - np.float32(middle[0])) * np.float32(1 / radii[0])
    across = (x - np.float32(middle[1])) * np.float32(1 / radii[1])
    level = np.sqrt(along * along + across * across)
    slope = np.hypot(along * np.float32(1 / radii[0]), across * np.float32(1 / radii[1]))
    distance: Field = (level - 1) * level / np.maximum(slope, 1e-4)
    return distance


def drop(build: Build, y: Field, x: Field) -> Field:
    """Measure how far the diaphragm lies below the top of the right dome, in mm.

    The left dome is 8 mm lower; the recess behind reaches lower than the one in front.
    """
    domes = []
    for middle, lower in ((-64, 0.0), (62, 8.0)):
        across = (x - np.float32(middle * build.size)) * np.float32(1 / (78 * build.size))
        along = (y + np.float32(0.16 * build.half_depth)) * np.float32(1 / build.half_depth)
        along = np.where(along < 0, np.float32(0.72) * along, along)
        square = across * across + along * along
        fall = np.minimum(square ** np.float32(1.15), 1.9) * np.float32(build.dome_height)
        domes.append(fall + np.float32(lower))
    return smooth_min(domes[0], domes[1], 12)


def solve_chest(subject: ThoraxSubject, frame: Frame) -> Chest:
    """Find the diaphragm, and if need be the cage, that give the target lung volume.

    Args:
        subject: Whose lung volume is wanted.
        frame: Where the subject lies.

    Returns:
        The chest, its volume within 0.2 % of the target on the coarse grid.

    Raises:
        CalibrationError: If no cage between 0.7 and 1.5 of the first guess can hold the lungs.
    """
    # The search runs on every second cell, which is eight times faster; the answer is refined.
    sparse = replace(frame, z=_thin(frame.z), y=_thin(frame.y), x=_thin(frame.x))
    build = first_build(subject)
    for _ in range(18):
        chest, volume = _lower_diaphragm(build, sparse, subject.lung_volume, 2)
        met = abs(volume / subject.lung_volume - 1) < 5e-3
        if met and (chest.build.dome > LOWEST_DOME or build.half_width > WIDEST):
            chest, volume = _lower_diaphragm(chest.build, frame, subject.lung_volume, 1)
            if abs(volume / subject.lung_volume - 1) < 2e-3:
                return chest
        build = _scaled(build, 1.03 if met or volume < subject.lung_volume else 0.97)
    raise CalibrationError(
        f"subject {subject.subject} of seed {subject.seed}: no chest holds "
        f"{subject.lung_volume:.2f} litres of lung, the last one held {volume:.2f}"
    )


def _thin(field: Field) -> Field:
    return np.ascontiguousarray(field[::2, ::2, ::2])


def _scaled(build: Build, factor: float) -> Build:
    return replace(
        build, half_width=build.half_width * factor, half_depth=build.half_depth * factor
    )


def _lower_diaphragm(build: Build, frame: Frame, target: float, passes: int) -> tuple[Chest, float]:
    """Bisect the height of the domes; the heart follows, so two passes place it twice."""
    z, y, x = frame.z, frame.y, frame.x
    inner = cage(build, z, y, x)
    fall = drop(build, y, x)
    volume = 0.0
    for _ in range(passes):
        organ = heart(build, z, y, x)
        middle = mediastinum(build, organ, z, y, x)
        space = smooth_max(inner.distance, -middle, 6)
        low, high = APEX - 285.0, APEX - 110.0
        for _ in range(13):
            top = (low + high) / 2
            volume = _litres(smooth_max(space, np.float32(top) - fall - z, 6))
            low, high = (top, high) if volume > target else (low, top)
        build = replace(build, dome=(low + high) / 2)
    under = np.float32(build.dome) - fall - z
    return (
        Chest(
            build=build,
            cage=inner,
            lung=smooth_max(space, under, 6),
            mediastinum=middle,
            heart=organ,
            abdomen=np.maximum(-under, inner.distance),
        ),
        volume,
    )


def _litres(lung: Field) -> float:
    """Volume of the lungs on any even thinning of the coarse grid."""
    cell_litres = float(np.prod(FIELD_OF_VIEW)) * 1e-6 / lung.size
    cell = float((cell_litres * 1e6) ** (1 / 3))
    return float(coverage(lung, cell).sum(dtype=np.float64)) * cell_litres

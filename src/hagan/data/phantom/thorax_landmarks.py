"""Landmarks of a chest in body coordinates: sizes, hila, great vessels, airways, shoulders.

Points are (z, y, x) in mm: z up, y to the back, x to the patient's left.
"""

from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.fields import Field
from hagan.data.phantom.thorax_cohort import ThoraxSubject

Point = tuple[float, float, float]
Tube = tuple[Point, Point, float, float]

APEX = 132.0
BULGING = 12


@dataclass(frozen=True)
class Build:
    """Landmarks of one chest in body coordinates (mm).

    Attributes:
        size: Linear size; 1 belongs to 5.6 litres of lung.
        half_width: Half width of the cage.
        half_depth: Half depth of the cage; the back wall lies at y = half_depth.
        exponent: Exponent of the cage's superellipse in front.
        dome: Height of the top of the right dome of the diaphragm (z).
        dome_height: Height of the domes above their rim.
        heart: Size factor of the heart.
        heart_turn: Rotation of the heart's long axis in radians.
        aorta: Radius factor of the aorta.
    """

    size: float
    half_width: float
    half_depth: float
    exponent: float
    dome: float
    dome_height: float
    heart: float
    heart_turn: float
    aorta: float

    @property
    def carina(self) -> float:
        """Height of the carina (z)."""
        return float(APEX - 108 * self.size**0.8)

    @property
    def heart_height(self) -> float:
        """Height of the middle of the heart (z): it rests on the diaphragm while it can."""
        return max(self.dome + 36 * self.heart, self.carina - 98 * self.size)

    @property
    def spine(self) -> float:
        """Middle of the vertebral bodies (y)."""
        return self.half_depth - 29


def first_build(subject: ThoraxSubject) -> Build:
    """Guess the landmarks of a chest from its target lung volume; the solver corrects them."""
    size = (subject.lung_volume / 5.6) ** (1 / 3)
    inflation = subject.hyperinflation
    return Build(
        size=size,
        half_width=126 * size * subject.width,
        half_depth=86 * size * subject.depth * (1 + 0.10 * inflation),
        exponent=2.35 + subject.squareness,
        dome=APEX - 195 * size,
        dome_height=72 * size * subject.dome * (1 - 0.5 * inflation),
        heart=subject.heart,
        heart_turn=subject.heart_turn,
        aorta=subject.aorta,
    )


def profile(build: Build, z: Field) -> Field:
    """Width of the cage at height z as a share of its full width, 0 at the apex to 1."""
    below = np.clip((APEX - z) / np.float32(190 * build.size), 0.006, 1)
    widening: Field = (1 - (1 - below) ** np.float32(2.6)) ** np.float32(0.52)
    return widening


@dataclass(frozen=True)
class Hilum:
    """Where artery, vein and bronchus enter a lung, body coordinates (z, y, x) in mm."""

    artery: Point
    vein: Point
    bronchus: Point


def hilum(build: Build, side: int) -> Hilum:
    """Locate the root of a lung; side is -1 for the right, 1 for the left."""
    carina, depth = build.carina, build.half_depth
    out = side * 34.0 * build.size
    if side < 0:
        return Hilum(
            artery=(carina - 22, 0.10 * depth, out),
            vein=(carina - 44, 0.12 * depth, 0.86 * out),
            bronchus=(carina - 26, 0.24 * depth, 0.95 * out),
        )
    return Hilum(
        artery=(carina - 6, 0.24 * depth, out),
        vein=(carina - 42, 0.10 * depth, 0.9 * out),
        bronchus=(carina - 26, 0.22 * depth, out),
    )


def airway_trunk(build: Build) -> list[Tube]:
    """List trachea and main bronchi as (start, end, lumen radius, lumen radius), in mm."""
    depth, size = build.half_depth, build.size**0.7
    fork = (build.carina, 0.20 * depth, 1.0)
    top = (APEX + 60, 0.02 * depth, 0.0)
    right, left = hilum(build, -1).bronchus, hilum(build, 1).bronchus
    return [
        (top, fork, 8.8 * size, 8.3 * size),
        (fork, right, 7.2 * size, 6.2 * size),
        (fork, left, 6.4 * size, 5.6 * size),
    ]


def great_vessels(build: Build) -> list[Tube]:
    """List aorta, caval veins, pulmonary vessels, neck vessels and gullet as tubes in mm.

    The first BULGING of them are large enough to dent the lungs.
    """
    a, carina, middle, depth = build.aorta, build.carina, build.heart_height, build.half_depth
    spine_front = build.spine - 13
    ascending = (middle + 34, -0.26 * depth, -8.0)
    turn = (carina + 22, -0.20 * depth, -13.0)
    arch = (carina + 37, 0.02 * depth, 3.0)
    descent = (carina + 16, 0.34 * depth, 21.0)
    trunk = (carina - 22, -0.24 * depth, 20.0)
    fork = (carina - 16, 0.0, 16.0)
    return [
        (ascending, turn, 16.0 * a, 15.0 * a),
        (turn, arch, 14.5 * a, 13.5 * a),
        (arch, descent, 13.5 * a, 12.5 * a),
        (descent, (carina - 60, spine_front - 4, 21.0), 12.5 * a, 12.0 * a),
        ((carina - 60, spine_front - 4, 21.0), (-175.0, spine_front - 6, 10.0), 12.0 * a, 10.5 * a),
        ((APEX - 28, -0.14 * depth, -24.0), (middle + 20, -0.06 * depth, -26.0), 8.5, 9.5),
        ((middle - 10, 0.05 * depth, -24.0), (build.dome - 60, 0.2 * depth, -18.0), 11.0, 11.0),
        ((middle + 25, -0.34 * depth, 18.0), trunk, 14.0, 13.5),
        (trunk, fork, 13.5, 12.0),
        (fork, hilum(build, -1).artery, 10.5, 8.0),
        (fork, hilum(build, 1).artery, 10.5, 8.0),
        ((middle + 22, 0.18 * depth, -14.0), hilum(build, -1).vein, 8.0, 6.5),
        ((middle + 22, 0.18 * depth, 18.0), hilum(build, 1).vein, 8.0, 6.5),
        (arch, (APEX + 50, 0.02 * depth, 26.0), 5.0, 4.0),
        ((carina + 36, -0.10 * depth, -6.0), (APEX + 50, -0.05 * depth, -26.0), 6.0, 4.5),
        ((APEX - 28, -0.14 * depth, -24.0), (APEX + 50, -0.08 * depth, -34.0), 7.0, 6.0),
        ((APEX - 30, -0.16 * depth, -22.0), (APEX - 6, -0.14 * depth, 36.0), 6.0, 6.0),
        ((APEX - 6, -0.14 * depth, 36.0), (APEX + 50, -0.08 * depth, 38.0), 6.0, 6.0),
        ((APEX + 50, 0.2 * depth, 3.0), (carina, 0.38 * depth, 4.0), 6.5, 7.0),
        ((carina, 0.38 * depth, 4.0), (middle - 20, 0.36 * depth, 8.0), 7.0, 7.0),
        ((middle - 20, 0.36 * depth, 8.0), (build.dome - 35, 0.1 * depth, 22.0), 7.0, 8.0),
    ]


def shoulder_end(subject: ThoraxSubject, side: int) -> tuple[float, float, float]:
    """Locate the head of the humerus (z, y, x), arms raised; side is -1 right, 1 left."""
    return (APEX + 26.0, -2.0, side * (150.0 + subject.shoulder))


def collar_bone(subject: ThoraxSubject, build: Build, side: int) -> tuple[Point, Point, Point]:
    """Locate a collar bone: its end at the sternum, its bend and its end at the shoulder."""
    height = APEX - 34.0 * build.size
    share = float(profile(build, np.full((1, 1, 1), height, np.float32))[0, 0, 0])
    front = build.half_depth * (0.45 * (1 - share) - share) - 9
    head = shoulder_end(subject, side)
    return (
        (height, front, 20.0 * side),
        (APEX - 14, front + 3, 64.0 * side),
        (APEX + 18, head[1] - 6, head[2] - 28.0 * side),
    )

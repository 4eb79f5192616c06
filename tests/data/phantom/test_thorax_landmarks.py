from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_landmarks import (
    APEX,
    airway_trunk,
    collar_bone,
    first_build,
    great_vessels,
    hilum,
    profile,
    shoulder_end,
)


@pytest.fixture
def build():
    return first_build(draw_thorax(0, 0))


def test_larger_lungs_get_larger_chests():
    subject = draw_thorax(0, 0)
    small = first_build(replace(subject, lung_volume=4.0))
    large = first_build(replace(subject, lung_volume=8.0))
    assert large.half_width == pytest.approx(2 ** (1 / 3) * small.half_width)
    flat = first_build(replace(subject, lung_volume=4.0, hyperinflation=0.9))
    tall = first_build(replace(subject, lung_volume=4.0, hyperinflation=0.0))
    assert flat.dome_height < 0.6 * tall.dome_height
    assert flat.half_depth > tall.half_depth


def test_the_cage_widens_from_the_apex_down(build):
    z = np.linspace(APEX - 400, APEX, 50, dtype=np.float32)
    share = profile(build, z)
    assert (np.diff(share) <= 1e-6).all()
    assert share[0] == pytest.approx(1)
    assert share[-1] < 0.15


def test_roots_of_the_lungs_lie_on_their_sides(build):
    right, left = hilum(build, -1), hilum(build, 1)
    assert right.artery[2] < right.bronchus[2] < 0 < left.bronchus[2] <= left.artery[2]
    # The left pulmonary artery rides over its bronchus, the right one does not.
    assert left.artery[0] - left.bronchus[0] > right.artery[0] - right.bronchus[0]
    trachea, right_main, left_main = airway_trunk(build)
    assert trachea[1] == right_main[0] == left_main[0]
    assert right_main[1] == right.bronchus
    assert right_main[2] > left_main[2]


def test_the_aorta_factor_widens_the_aorta_alone(build):
    wide = great_vessels(replace(build, aorta=2 * build.aorta))
    radii = [(a[2], b[2]) for a, b in zip(great_vessels(build), wide, strict=True)]
    grown = [after / before for before, after in radii]
    assert grown[:5] == pytest.approx([2.0] * 5)
    assert grown[5:] == pytest.approx([1.0] * (len(grown) - 5))


def test_collar_bones_run_outwards_and_up(build):
    subject = draw_thorax(0, 0)
    for side in (-1, 1):
        inner, bend, outer = collar_bone(subject, build, side)
        assert inner[0] < bend[0] < outer[0]
        assert abs(inner[2]) < abs(bend[2]) < abs(outer[2]) < abs(shoulder_end(subject, side)[2])

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.fields import coverage
from hagan.data.phantom.rendered import CalibrationError
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_landmarks import APEX, first_build
from hagan.data.phantom.thorax_shape import cage, drop, solve_chest


@pytest.mark.parametrize("number", range(8))
def test_the_lung_volume_is_solved(number):
    subject = draw_thorax(2, number)
    frame = place(subject, 56)
    chest = solve_chest(subject, frame)
    litres = coverage(chest.lung, frame.voxel).sum() * frame.voxel_litres
    assert litres == pytest.approx(subject.lung_volume, rel=0.003)
    right = litres - (coverage(chest.lung, frame.voxel) * (frame.x > 0)).sum() * frame.voxel_litres
    assert 0.45 < right / litres < 0.62
    assert 120 < APEX - chest.build.dome < 285


def test_lungs_are_where_nothing_else_is():
    subject = draw_thorax(2, 0)
    chest = solve_chest(subject, place(subject, 56))
    lung = chest.lung < 0
    for other in (chest.mediastinum, chest.heart, chest.abdomen):
        assert not (lung & (other < 0)).any()
    assert (chest.cage.distance[lung] < 0).all()


def test_an_impossible_volume_fails_loudly():
    subject = replace(draw_thorax(2, 0), lung_volume=0.05)
    with pytest.raises(CalibrationError, match="no chest holds"):
        solve_chest(replace(subject, lung_volume=60.0), place(subject, 32))


def test_the_cage_is_measured_in_millimetres():
    build = first_build(draw_thorax(2, 0))
    z, y = np.zeros((3, 1, 1), np.float32) - 70, np.zeros((3, 1, 1), np.float32)
    x = np.float32([build.half_width - 10, build.half_width, build.half_width + 25])[:, None, None]
    measured = cage(build, z, y, x)
    np.testing.assert_allclose(measured.distance.reshape(-1), [-10, 0, 25], atol=0.5)
    np.testing.assert_allclose(measured.angle, np.pi / 2, atol=1e-3)


def test_the_left_dome_is_lower_and_the_recess_behind_is_deeper():
    build = first_build(draw_thorax(2, 0))
    y = np.float32([-14.0, -14.0, 75.0, -75.0])
    x = np.float32([-62.0, 62.0, 62.0, 62.0]) * np.float32(build.size)
    right, left, behind, front = drop(build, y, x)
    assert right < left < front < behind

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_shape import solve_chest
from hagan.data.phantom.thorax_wall import build_wall, draw_table


def _wall(subject):
    frame = place(subject, 48)
    chest = solve_chest(subject, frame)
    return build_wall(subject, frame, chest), chest


def test_layers_lie_inside_each_other():
    wall, chest = _wall(draw_thorax(3, 1))
    muscle, skin = wall.muscle < 0, wall.skin < 0
    assert skin[muscle].all()
    assert skin[chest.lung < 0].all()
    assert 0 <= wall.planes.min() <= wall.planes.max() <= 1


@pytest.mark.parametrize("factor", ["fat", "belly", "breast", "muscle"])
def test_every_factor_makes_the_body_larger(factor):
    subject = replace(draw_thorax(3, 1), breast=10.0, belly=5.0)
    small, _ = _wall(subject)
    large, _ = _wall(replace(subject, **{factor: 1.8 * getattr(subject, factor)}))
    assert np.count_nonzero(large.skin < 0) > np.count_nonzero(small.skin < 0)


def test_the_body_lies_on_the_table():
    subject = replace(draw_thorax(3, 1), table_curve=0.0)
    wall, _ = _wall(subject)
    table = draw_table(subject, wall, 48, 7.6)
    assert table.shape == (1, 48, 48)
    first = np.flatnonzero(table[0, :, 24] > 0)[0]
    last = np.flatnonzero((wall.skin < 0).any(axis=(0, 2)))[-1]
    assert abs((first + 0.5) / 48 - (last + 0.5) / 56) * 380 < 16
    bowed = draw_table(replace(subject, table_curve=30.0), wall, 48, 7.6)
    assert np.flatnonzero(bowed[0, :, 3] > 0)[0] < np.flatnonzero(bowed[0, :, 24] > 0)[0]

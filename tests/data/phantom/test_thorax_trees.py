import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_lobes import build_lobes
from hagan.data.phantom.thorax_shape import solve_chest
from hagan.data.phantom.thorax_trees import AIRWAY_LEVELS, LEVELS, MURRAY, grow, grow_trees


@pytest.fixture
def tree():
    rng = np.random.default_rng(0)
    points = rng.random((800, 3), dtype=np.float32) * 100
    return grow(rng, (50.0, 50.0, 0.0), points, np.zeros(800, np.intp), 5.0)


def test_a_tree_is_connected_and_stays_with_its_points(tree):
    starts = {tuple(row) for row in tree.start[tree.level > 0]}
    ends = {tuple(row) for row in tree.end}
    assert starts <= ends
    assert (tree.start[tree.level == 0] == [50, 50, 0]).all()
    assert tree.level.max() == LEVELS - 1 or len(tree.level) > 800
    assert (tree.end > -10).all()
    assert (tree.end < 110).all()


def test_radii_follow_the_flow(tree):
    assert tree.radius.max() == pytest.approx(5.0)
    assert tree.radius.min() == pytest.approx(5 * (1 / 800) ** MURRAY, rel=0.3)
    second = tree.radius[tree.level == 1]
    assert ((second / 5) ** (1 / MURRAY)).sum() == pytest.approx(1, rel=1e-3)


def test_each_lobe_has_its_own_first_branch():
    rng = np.random.default_rng(0)
    points = rng.random((300, 3), dtype=np.float32)
    lobe = np.repeat(np.array([0, 2], np.intp), [200, 100])
    grown = grow(rng, (0.0, 0.0, 0.0), points, lobe, 4.0)
    first = grown.radius[grown.level == 0]
    assert (first / 4) ** (1 / MURRAY) == pytest.approx([2 / 3, 1 / 3], rel=1e-3)


def test_both_lungs_get_vessels_and_walled_airways():
    subject = draw_thorax(1, 0)
    frame = place(subject, 64)
    chest = solve_chest(subject, frame)
    trees = grow_trees(subject, frame, chest, build_lobes(subject, frame, chest))
    assert 8000 < len(trees.vessels.radius) < 40000
    assert trees.lumen.level.max() < AIRWAY_LEVELS
    inner_area = (trees.lumen.radius / trees.outer.radius) ** 2
    np.testing.assert_allclose(1 - inner_area, subject.wall_area, rtol=1e-4)
    again = grow_trees(subject, frame, chest, build_lobes(subject, frame, chest))
    np.testing.assert_array_equal(trees.vessels.end, again.vessels.end)

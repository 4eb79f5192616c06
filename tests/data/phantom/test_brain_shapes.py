"""Tubes and ellipsoid pairs in their boxes."""

import numpy as np
import pytest

from hagan.data.phantom.brain_grid import SPACING, Space, axis_positions, slice_box
from hagan.data.phantom.brain_shapes import FAR, build_pair, build_tube, join_tubes, move_to_box
from hagan.data.phantom.fields import coverage


@pytest.fixture(scope="module")
def space() -> Space:
    """Coordinates without pose or warp."""
    z, y, x = np.meshgrid(*(axis_positions(axis) for axis in range(3)), indexing="ij")
    return Space(z, y, x)


def test_tube_is_a_mirrored_rod_whose_girth_can_change(space: Space) -> None:
    tube = build_tube(space, [(0.0, -20.0, 20.0, 6.0), (0.0, 20.0, 20.0, 6.0)])
    rod = np.pi * 6**2 * 40 + 4 / 3 * np.pi * 6**3
    assert coverage(tube.distance(1.0), SPACING).sum() * SPACING**3 == pytest.approx(
        2 * rod, rel=0.03
    )
    thick = np.pi * 9**2 * 40 + 4 / 3 * np.pi * 9**3
    assert coverage(tube.distance(1.5), SPACING).sum() * SPACING**3 == pytest.approx(
        2 * thick, rel=0.03
    )
    x = space.x[tube.box]
    assert (tube.distance(1.0)[x > 0] < 0).sum() == (tube.distance(1.0)[x < 0] < 0).sum()


def test_pair_lies_where_it_is_put(space: Space) -> None:
    distance, corner = build_pair(space, (3, -10, 25), (8, 12, 6), splay=0.3)
    box = slice_box(corner, distance.shape)
    inside = distance < 0
    volume = 2 * 4 / 3 * np.pi * 8 * 12 * 6
    assert inside.sum() * SPACING**3 == pytest.approx(volume, rel=0.04)
    assert space.y[box][inside].mean() == pytest.approx(-10, abs=0.7)
    left = inside & (space.x[box] > 0)
    back = left & (space.y[box] > -6)
    front = left & (space.y[box] < -14)
    assert space.x[box][back].mean() > space.x[box][front].mean() + 2


def test_moved_fields_stay_in_place(space: Space) -> None:
    small = build_tube(space, [(0, 0, 10, 3), (0, 6, 10, 3)])
    big = build_tube(space, [(0, -30, 12, 3), (10, 30, 20, 3)])
    moved = move_to_box(small.distance(1.0), small.corner, big)
    assert moved.shape == big.ratio.shape
    whole = np.full(space.z.shape, FAR)
    whole[small.box] = small.distance(1.0)
    assert np.array_equal(moved, whole[big.box])


def test_joined_tubes_are_the_union(space: Space) -> None:
    first = build_tube(space, [(0, -10, 10, 4), (0, 10, 10, 4)])
    second = build_tube(space, [(0, 10, 10, 4), (20, 25, 20, 4)])
    union = join_tubes(first, second)
    both = np.zeros(space.z.shape, bool)
    both[first.box] |= first.distance(1.0) < 0
    both[second.box] |= second.distance(1.0) < 0
    assert np.array_equal(union.distance(1.0) < 0, both[union.box])

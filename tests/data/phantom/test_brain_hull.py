"""Outline of the cerebrum."""

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_grid import SPACING, Space, build_space
from hagan.data.phantom.brain_hindbrain import Hindbrain, build_hindbrain
from hagan.data.phantom.brain_hull import Outline, build_outline

Parts = tuple[Space, Hindbrain, Outline]


@pytest.fixture(scope="module")
def parts() -> Parts:
    subject = draw_brain(1, 0)
    space = build_space(subject)
    hindbrain = build_hindbrain(subject, space)
    return space, hindbrain, build_outline(space, hindbrain)


def _at(parts: Parts, z: float, y: float, x: float) -> tuple[int, int, int]:
    space = parts[0]
    apart = (space.z - z) ** 2 + (space.y - y) ** 2 + (space.x - x) ** 2
    d, h, w = np.unravel_index(apart.argmin(), apart.shape)
    return int(d), int(h), int(w)


def test_size_is_that_of_a_cerebrum(parts: Parts) -> None:
    inside = parts[2].hull < 0
    assert 1100 < inside.sum() * SPACING**3 / 1000 < 1500
    lengths = [np.ptp(np.flatnonzero(inside.any(axis=axes))) * SPACING for axes in ((1, 2), (0, 2))]
    assert 95 < lengths[0] < 130
    assert 150 < lengths[1] < 185


def test_lobes_are_inside_and_the_middle_of_the_base_is_not(parts: Parts) -> None:
    hull = parts[2].hull
    for place in ((40, 0, 30), (0, -70, 15), (0, 70, 15), (-25, -10, 42), (-25, -10, -42)):
        assert hull[_at(parts, *place)] < 0, place
    assert hull[_at(parts, -40, -30, 0)] > 0
    assert hull[_at(parts, -60, 0, 40)] > 0


def test_hemispheres_are_parted_above_the_callosum_and_joined_below(parts: Parts) -> None:
    beyond = parts[2].beyond_fissure
    assert beyond[_at(parts, 50, 0, 0)] < 0
    assert beyond[_at(parts, 10, 0, 0)] > 0
    assert parts[2].depth[_at(parts, 45, 0, 0)] < parts[2].depth[_at(parts, 45, 0, 20)]


def test_the_cerebellum_is_kept_clear(parts: Parts) -> None:
    _, hindbrain, outline = parts
    overlap = (outline.hull[hindbrain.box] < 0) & (hindbrain.cerebellum < 0)
    assert not overlap.any()

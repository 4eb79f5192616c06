"""Shapes in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hagan.data.morphology import (
    closed,
    dice,
    distance_to,
    grown,
    large_parts,
    largest_part,
    opened,
    otsu,
)


def ball(shape: tuple[int, int, int], radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing, strict=True)]
    return sum(axis**2 for axis in np.ix_(*axes)) <= radius**2


def test_otsu_is_the_best_of_all_thresholds() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-800, 60, 4000), rng.normal(40, 90, 9000)])
    threshold = otsu(values.astype(np.float32))

    def within(at: float) -> float:
        low, high = values[values < at], values[values >= at]
        return len(low) * low.var() + len(high) * high.var()

    best = min(np.linspace(-700, -100, 601), key=within)
    assert within(threshold) <= within(best) * (1 + 1e-3)
    assert -600 < threshold < -200


def test_radii_are_millimetres() -> None:
    region = np.zeros((21, 21, 21), bool)
    region[10, 10, 10] = True
    near = grown(region, 4.0, (1.0, 2.0, 4.0))
    along = [np.ptp(np.flatnonzero(near.any(axis=axes))) for axes in ((1, 2), (0, 2), (0, 1))]
    assert along == [8, 4, 2]


def test_nothing_is_far_from_everything() -> None:
    assert np.isinf(distance_to(np.zeros((3, 3, 3), bool), (1.0, 1.0, 1.0))).all()


def test_opening_cuts_what_is_thin_and_keeps_what_is_thick() -> None:
    region = ball((31, 31, 31), 9, (1, 1, 1))
    region[:, 15, 15] = True
    found = opened(region, 3.0, (1.0, 1.0, 1.0))
    assert not found[0, 15, 15]
    assert dice(found, ball((31, 31, 31), 9, (1, 1, 1))) > 0.97


def test_closing_fills_gaps_even_at_the_border() -> None:
    region = np.zeros((12, 12, 12), bool)
    region[:5] = True
    region[7:] = True
    region[:, 5:7, 5:7] = False
    found = closed(region, 3.0, (1.0, 1.0, 1.0))
    assert found[region].all()
    assert found[:, 3:-3, 3:-3][1:-1].all()
    lone = ball((21, 21, 21), 6, (1, 1, 1))
    assert np.array_equal(closed(lone, 2.0, (1.0, 1.0, 1.0)) & lone, lone)


def test_parts_are_those_of_an_independent_labelling() -> None:
    region = np.random.default_rng(3).random((14, 15, 16)) < 0.25
    parts, count = ndimage.label(region)
    sizes = {part: int((parts == part).sum()) for part in range(1, count + 1)}
    expected = np.isin(parts, [part for part, size in sizes.items() if size >= 5])
    assert np.array_equal(large_parts(region, 5), expected)
    biggest = max(sizes.values())
    assert largest_part(region).sum() in (biggest, 2 * biggest, 3 * biggest)
    assert not largest_part(np.zeros((4, 4, 4), bool)).any()


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 0.5), (2, 0.0)])
def test_dice(shift: int, expected: float) -> None:
    one = np.zeros((1, 1, 4), bool)
    one[..., :2] = True
    assert dice(one, np.roll(one, shift, axis=2)) == expected
    assert dice(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)) == 1.0

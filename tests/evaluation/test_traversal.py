"""Asked against measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hagan.evaluation.traversal import Step, agreement, moved_with, spearman


def way(start: str, asked: list[float], lung: list[float], bone: list[float]) -> list[Step]:
    return [
        Step(start, a, {"lung": one, "bone": other}, 0.1)
        for a, one, other in zip(asked, lung, bone, strict=True)
    ]


def test_what_obeys_agrees() -> None:
    steps = way("a", [1, 2, 3], [1, 2, 3], [5, 5, 5]) + way("b", [1, 2, 3], [1, 2, 3], [6, 6, 6])
    found = agreement(steps, "lung")
    assert (found.rank, found.rank_within, found.monotone) == (1, 1, 1)
    assert (found.slope, found.error, found.bias) == (pytest.approx(1), 0, 0)
    still = agreement(steps, "bone")
    assert np.isnan(still.rank_within)
    assert (still.monotone, still.slope) == (0, pytest.approx(0))


def test_starts_that_differ_hide_what_each_does() -> None:
    steps = way("a", [1, 2, 3], [10, 11, 12], [0, 0, 0]) + way(
        "b", [1, 2, 3], [100, 102, 104], [0, 0, 0]
    )
    found = agreement(steps, "lung")
    asked, lung = [1, 2, 3, 1, 2, 3], [10, 11, 12, 100, 102, 104]
    assert found.rank == pytest.approx(stats.spearmanr(asked, lung).statistic)
    assert found.rank < 1 == found.rank_within
    assert found.slope == pytest.approx(1.5)
    assert found.bias == pytest.approx(np.mean(np.subtract(lung, asked)))


def test_the_order_of_steps_does_not_matter() -> None:
    steps = way("a", [3, 1, 2], [9, 1, 4], [1, 3, 2])
    assert agreement(steps, "lung").monotone == 1
    assert agreement(steps, "bone").monotone == 0
    assert moved_with(steps, "bone", {"bone": 4.0}) == pytest.approx(-0.5)


def test_what_cannot_be_measured_does_not_count() -> None:
    steps = way("a", [1, 2, 3], [1, np.nan, 3], [0, 0, 0])
    assert agreement(steps, "lung").slope == pytest.approx(1)
    assert np.isnan(moved_with(steps, "bone", {"bone": 0.0}))


def test_spearman_has_ranks_of_ties() -> None:
    x, y = np.array([1.0, 1, 2, 3, 3]), np.array([2.0, 1, 1, 5, 4])
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))

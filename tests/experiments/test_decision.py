"""The rule: what counts as better, and what a gain may not be paid with."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.evaluation.frechet import frechet_distance
from hagan.experiments.decision import Standing, floor_of, pooled_deviation, verdict

SOUND = {"memorised": 0.05, "self_neighbour": 0.9, "sharpness": 1.0, "seam_gradient": 1.0}


def at(*distances: float, coverage: float = 0.5, **checks: float) -> Standing:
    return Standing(distances, [coverage] * len(distances), SOUND | checks)


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        (at(10, 11, 12), at(4, 5, 6), "better"),
        (at(10, 11, 12), at(9.5, 10, 11), "as good"),
        (at(4, 5, 6), at(10, 11, 12), "worse"),
        (at(10), at(8.5), "as good"),
        (at(10), at(7.5), "better"),
        (at(2, 20, 11), at(1, 9, 5), "as good"),
        (at(10), at(10, coverage=0.62), "better"),
        (at(10), at(10, coverage=0.38), "worse"),
        (at(4), at(10, coverage=0.62), "worse"),
        (at(10), at(2, memorised=0.3), "as good"),
        (at(10), at(10, sharpness=0.5), "worse"),
        (at(10, sharpness=0.6), at(2, sharpness=0.5), "better"),
        (at(10), at(2, seam_gradient=1.5), "as good"),
        (at(10), at(2, self_neighbour=0.3), "as good"),
    ],
)
def test_verdicts(first: Standing, other: Standing, expected: str) -> None:
    found, told = verdict(first, other)
    assert found == expected, told


def test_the_spread_over_seeds_is_that_of_both() -> None:
    assert pooled_deviation([1.0, 3.0], [5.0, 5.0, 8.0]) == pytest.approx(((2 + 6) / 3) ** 0.5)
    assert pooled_deviation([1.0], [5.0]) == 0.0


def test_faults_are_named() -> None:
    assert at(1, sharpness=1.3, memorised=0.2).faults == ("memorised", "sharpness")
    assert Standing([1.0], [0.5], {}).faults == ()


def test_the_floor_is_the_distance_of_random_halves() -> None:
    rng = np.random.default_rng(3)
    real, train = rng.normal(size=(20, 4)), rng.normal(size=(30, 4))
    mean, deviation = floor_of(real, train)
    assert (mean, deviation) == floor_of(real, train)
    other = floor_of(real, train, seed=1)
    assert mean == pytest.approx(other[0], abs=4 * deviation)
    assert deviation > 0
    # The same populations apart are no nearer to each other than their halves are.
    assert abs(frechet_distance(train[:20], real) - mean) < 5 * deviation
    assert frechet_distance(train[:20] + 3, real) > mean + 20 * deviation

"""Intervals cover the truth as often as they say, and subjects stay whole."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.errors import BadInputError
from hagan.evaluation.bootstrap import bootstrap
from hagan.evaluation.frechet import Frechet
from hagan.evaluation.measure import Weights


class MeanDifference:
    """Difference of weighted means; remembers the weights it was given."""

    def __init__(self, fake: np.ndarray, real: np.ndarray) -> None:
        self.fake = fake
        self.real = real
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        if fake_weights is not None and real_weights is not None:
            self.seen.append((fake_weights, real_weights))
        return float(
            np.average(self.fake, weights=fake_weights)
            - np.average(self.real, weights=real_weights)
        )


@pytest.mark.slow
def test_covers_a_difference_of_means_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        statistic = MeanDifference(rng.normal(size=40) + 0.7, 2.0 * rng.normal(size=50))
        interval = bootstrap(statistic, 40, 50, seed=trial)
        covered += interval.low <= 0.7 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_holds_a_frechet_distance_that_every_resample_exceeds() -> None:
    """What the plain percentile interval would not."""
    rng = np.random.default_rng(1)
    statistic = Frechet(rng.normal(size=(40, 30)), rng.normal(size=(40, 30)))
    interval = bootstrap(statistic, 40, 40, resamples=50)
    counts = rng.multinomial(40, [1 / 40] * 40, 50).astype(np.float64)
    assert min(statistic(row, row[::-1].copy()) for row in counts) > statistic()
    assert interval.low < statistic() < interval.high
    assert (interval.level, interval.resamples) == (0.95, 50)


def test_every_resample_has_as_many_rows_and_both_sides_are_drawn_apart() -> None:
    statistic = MeanDifference(np.arange(9.0), np.arange(9.0))
    bootstrap(statistic, 9, 9, resamples=30)
    assert len(statistic.seen) == 30
    assert all(u.sum() == v.sum() == 9 for u, v in statistic.seen)
    assert any(u.tolist() != v.tolist() for u, v in statistic.seen)


def test_subjects_are_drawn_whole() -> None:
    statistic = MeanDifference(np.arange(6.0), np.arange(4.0))
    subjects = ["a", "b", "a", "c", "b", "a"]
    bootstrap(statistic, 6, 4, fake_subjects=subjects, real_subjects=["x", "x", "y", "z"])
    for fake, real in statistic.seen:
        assert fake[0] == fake[2] == fake[5]
        assert fake[1] == fake[4]
        assert fake[0] + fake[1] + fake[3] == 3
        assert real[0] == real[1]
        assert real[0] + real[2] + real[3] == 3
    assert len({tuple(fake) for fake, _ in statistic.seen}) > 3


def test_scans_of_the_same_subjects_widen_the_interval() -> None:
    """Forty rows of ten subjects are ten observations."""
    rng = np.random.default_rng(2)
    statistic = MeanDifference(np.repeat(rng.normal(size=10), 4), np.zeros(2))
    subjects = [str(number) for number in np.repeat(np.arange(10), 4)]
    plain = bootstrap(statistic, 40, 2)
    whole = bootstrap(statistic, 40, 2, fake_subjects=subjects)
    assert whole.high - whole.low > 1.5 * (plain.high - plain.low)


def test_seed_and_level_decide() -> None:
    rng = np.random.default_rng(3)
    statistic = MeanDifference(rng.normal(size=20), rng.normal(size=20))
    first = bootstrap(statistic, 20, 20, seed=5)
    assert first == bootstrap(statistic, 20, 20, seed=5)
    assert first != bootstrap(statistic, 20, 20, seed=6)
    half = bootstrap(statistic, 20, 20, seed=5, level=0.5)
    assert first.low < half.low < half.high < first.high


def test_a_pair_of_rows_is_never_drawn_as_one_row_twice() -> None:
    statistic = MeanDifference(np.arange(2.0), np.arange(3.0))
    bootstrap(statistic, 2, 3)
    assert all(fake.tolist() == [1.0, 1.0] for fake, _ in statistic.seen)
    assert all(np.count_nonzero(real) >= 2 for _, real in statistic.seen)


def test_one_subject_is_refused() -> None:
    statistic = MeanDifference(np.arange(3.0), np.arange(3.0))
    with pytest.raises(BadInputError, match="real set shows 1 subject"):
        bootstrap(statistic, 3, 3, real_subjects=["a"] * 3)
    with pytest.raises(BadInputError, match="fake set shows 1 subject"):
        bootstrap(statistic, 1, 3)

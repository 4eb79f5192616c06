"""Copies are found, strangers are not, and the expected share is what it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hagan.errors import BadInputError
from hagan.evaluation.memorisation import Closeness, verdict


def drawn(seed: int, *counts: int, columns: int = 6) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(count, columns)) for count in counts]


def test_equals_its_definition() -> None:
    samples, training, held_out = drawn(0, 40, 60, 99)
    samples[:8] = training[:8] + 0.01
    nearest, reference = (cdist(rows, training).min(axis=1) for rows in (samples, held_out))
    found = Closeness(samples, training, held_out)
    assert found.threshold == pytest.approx(np.sort(reference)[4], rel=1e-12)
    assert found.copy_share() == np.mean(nearest < np.sort(reference)[4])
    assert found.nearest_ratio() == pytest.approx(np.median(nearest) / np.median(reference))
    assert found.copy_share() >= 0.2


@pytest.mark.parametrize("held_out", [19, 50, 300])
def test_strangers_have_the_expected_share_whatever_the_number_held_out(held_out: int) -> None:
    """A percentile that is interpolated otherwise would expect 0.068 at 50."""
    shares = [
        Closeness(*drawn(seed, 100, 80, held_out, columns=3)).copy_share() for seed in range(300)
    ]
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(0.05, abs=3.0 * error)
    assert error < 0.004


def test_copies_are_found_also_when_they_are_mirrored() -> None:
    samples, training, mirrored, held_out = drawn(1, 100, 80, 80, 100, columns=12)
    for rows in (training, mirrored):
        assert verdict(Closeness(samples, rows, held_out).copy_share()) == "clear"
    exact = Closeness(training, training, held_out)
    assert (exact.copy_share(), exact.nearest_ratio()) == (1.0, 0.0)
    assert verdict(exact.copy_share()) == "block"
    assert Closeness(mirrored, training, held_out).copy_share() < 0.1
    flipped = Closeness(mirrored, mirrored, held_out)
    assert flipped.copy_share() == 1.0
    assert verdict(flipped.copy_share()) == "block"


def test_verdicts_begin_above_their_shares() -> None:
    shares = [0.0, 0.05, 0.10, 0.11, 0.20, 0.21, 1.0]
    words = ["clear", "clear", "clear", "alarm", "alarm", "block", "block"]
    assert [verdict(share) for share in shares] == words


def test_weights_repeat_samples() -> None:
    samples, training, held_out = drawn(2, 30, 40, 50)
    samples[:6] = training[:6] + 0.05
    counts = np.random.default_rng(2).multinomial(30, [1 / 30] * 30)
    weights = counts.astype(np.float64)
    whole = Closeness(samples, training, held_out)
    repeated = Closeness(np.repeat(samples, counts, axis=0), training, held_out)
    assert whole.copy_share(weights, np.ones(50)) == pytest.approx(repeated.copy_share())
    assert whole.nearest_ratio(weights) == pytest.approx(repeated.nearest_ratio())


def test_one_sample_can_be_judged() -> None:
    sample, training, held_out = drawn(3, 1, 10, 20)
    assert Closeness(sample, training, held_out).copy_share() in (0.0, 1.0)


def test_held_out_volumes_that_were_trained_on_are_refused() -> None:
    """With a threshold of 0 no copy would ever be found."""
    samples, training, held_out = drawn(4, 10, 30, 20)
    held_out[:5] = training[:5]
    with pytest.raises(BadInputError, match=r"5 of 20 held-out volumes.*split by subject"):
        Closeness(samples, training, held_out)
    with pytest.raises(BadInputError, match="held-out features hold 1 row"):
        Closeness(samples, training, held_out[:1])


def test_training_is_the_nearest_by_chance_unless_samples_are_copies() -> None:
    rng = np.random.default_rng(11)
    training, held_out, fresh = (rng.normal(size=(n, 6)) for n in (60, 30, 80))
    honest = Closeness(fresh, training, held_out)
    expected, p = honest.chance()
    assert expected == pytest.approx(60 / 90)
    assert honest.training_nearest() == pytest.approx(expected, abs=0.15)
    assert p > 0.01
    smooth = Closeness(fresh * 0.01, training, held_out)
    assert smooth.chance()[1] > 0.01, "alike samples have one nearest volume, which counts once"
    copies = Closeness(training + rng.normal(size=(60, 6)) * 0.01, training, held_out)
    assert copies.training_nearest() == 1
    assert copies.chance()[1] == pytest.approx(expected**60)

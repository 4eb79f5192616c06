"""Intervals of a statistic by resampling volumes, or whole subjects, with replacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.errors import BadInputError
from hagan.evaluation.measure import Statistic, Weights


@dataclass(frozen=True)
class Interval:
    """Where the statistic would lie in other draws of both sets.

    Attributes:
        low: Lower end; below 0 also where the statistic cannot be.
        high: Upper end.
        level: Share of draws that it should hold.
        resamples: How many resamples it rests on.
    """

    low: float
    high: float
    level: float
    resamples: int


def bootstrap(
    statistic: Statistic,
    num_fake: int,
    num_real: int,
    *,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
    fake_subjects: Sequence[str] | None = None,
    real_subjects: Sequence[str] | None = None,
) -> Interval:
    """Centred percentile interval around the statistic of the whole sets.

    A resample repeats rows, which biases statistics such as the Frechet distance upwards, so the
    plain percentile interval may not even hold the value itself. Only the spread of the resampled
    values is used: from v + q_low - mean to v + q_high - mean. The bias of the statistic itself
    is not corrected.

    Args:
        statistic: Taken once plainly and once a resample.
        num_fake: Rows of the fake set.
        num_real: Rows of the real set.
        resamples: Draws; both sets are drawn anew, independently, in each.
        seed: Of the draws.
        level: Share of draws that the interval should hold.
        fake_subjects: Who each fake row shows [num_fake]; rows of one are drawn together.
        real_subjects: Who each real row shows [num_real].

    Raises:
        BadInputError: A set of fewer than two subjects: nothing can be resampled.
    """
    assert 0.0 < level < 1.0
    assert resamples >= 2
    groups = [
        _groups(num_fake, fake_subjects, "fake"),
        _groups(num_real, real_subjects, "real"),
    ]
    rng = np.random.default_rng(seed)
    value = statistic()
    draws = np.array(
        [statistic(*(_draw(rng, members) for members in groups)) for _ in range(resamples)]
    )
    low, high = np.quantile(draws, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]) - draws.mean()
    return Interval(float(value + low), float(value + high), level, resamples)


def _groups(rows: int, subjects: Sequence[str] | None, name: str) -> NDArray[np.int64]:
    """Number of each row's subject [rows], from 0."""
    assert subjects is None or len(subjects) == rows, name
    numbers = np.arange(rows)
    if subjects is not None:
        numbers = np.unique(np.asarray(subjects), return_inverse=True)[1]
    count = len(np.unique(numbers))
    if count < 2:
        raise BadInputError(
            f"the {name} set shows {count} subject(s), a bootstrap needs at least two; give more "
            f"volumes or leave the interval out"
        )
    return numbers.astype(np.int64)


def _draw(rng: np.random.Generator, groups: NDArray[np.int64]) -> Weights:
    """How often each row is drawn [rows]; its subject's count."""
    count = int(groups.max()) + 1
    drawn = np.zeros(count)
    # One subject alone, which only tiny sets ever draw, has no spread to take a statistic of.
    while np.count_nonzero(drawn) < 2:
        drawn = rng.multinomial(count, np.full(count, 1.0 / count)).astype(np.float64)
    return drawn[groups]

"""Intervals: over subjects, and none where there is nothing to resample."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.intervals import FEW_RESAMPLES, MANY_ROWS, interval_of
from hagan.evaluation.measure import Weights
from hagan.evaluation.measuring import Measured

VALUES = np.random.default_rng(0).normal(size=MANY_ROWS)


def a_set(count: int, subjects: int) -> Measured:
    names = tuple(f"s{i % subjects}" for i in range(count))
    return Measured("set", names, names, {})


def mean(fake_weights: Weights | None = None, real_weights: Weights | None = None) -> float:
    count = 50 if fake_weights is None else len(fake_weights)
    return float(np.average(VALUES[:count], weights=fake_weights))


def test_it_is_as_wide_as_the_standard_error() -> None:
    found = interval_of(mean, a_set(50, 50), a_set(50, 50), EvaluationConfig(resamples=500))
    assert found is not None
    assert found.resamples == 500
    expected = 2 * 1.96 * VALUES[:50].std() / np.sqrt(50)
    assert found.high - found.low == pytest.approx(expected, rel=0.2)


def test_volumes_of_few_subjects_are_less_sure() -> None:
    config = EvaluationConfig(resamples=300)
    many = interval_of(mean, a_set(50, 50), a_set(50, 50), config)
    few = interval_of(mean, a_set(50, 2), a_set(50, 50), config)
    assert many is not None
    assert few is not None
    assert (few.low, few.high) != (many.low, many.high)


def test_none_for_one_subject_or_no_resamples() -> None:
    assert interval_of(mean, a_set(50, 1), a_set(50, 50), EvaluationConfig()) is None
    assert interval_of(mean, a_set(50, 9), a_set(50, 9), EvaluationConfig(resamples=0)) is None


def test_large_sets_are_resampled_less() -> None:
    found = interval_of(mean, a_set(MANY_ROWS, MANY_ROWS), a_set(9, 9), EvaluationConfig())
    assert found is not None
    assert found.resamples == FEW_RESAMPLES

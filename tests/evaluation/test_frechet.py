"""Frechet distance against closed forms and an independent route."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from hagan.evaluation.frechet import frechet_distance


def test_of_a_set_with_itself_is_zero_even_with_few_samples() -> None:
    features = np.random.default_rng(0).normal(size=(5, 40))
    assert frechet_distance(features, features) == pytest.approx(0.0, abs=1e-9)


def test_of_a_shifted_set_is_the_square_of_the_shift() -> None:
    features = np.random.default_rng(1).normal(size=(30, 7))
    assert frechet_distance(features + 2.0, features) == pytest.approx(4.0 * 7)


def test_of_a_scaled_set_is_the_closed_form() -> None:
    features = np.random.default_rng(2).normal(size=(50, 6))
    features -= features.mean(axis=0)
    variance = np.square(features).sum() / 49
    assert frechet_distance(3.0 * features, features) == pytest.approx(4.0 * variance)


def test_equals_the_matrix_square_root() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(200, 8)), rng.normal(size=(150, 8)) @ rng.normal(size=(8, 8))
    s1, s2 = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(s1 @ s2).real
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s1 + s2 - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))

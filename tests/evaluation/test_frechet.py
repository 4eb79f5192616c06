"""Frechet distance against closed forms, independent routes and MONAI's."""

from __future__ import annotations

import itertools
import warnings
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.fid import get_fid_score
from scipy import linalg, stats

from hagan.errors import BadInputError
from hagan.evaluation import distances, frechet
from hagan.evaluation.frechet import Frechet, frechet_distance


def drawn(seed: int, fake: int, real: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of different means and covariances."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(columns, columns)) / np.sqrt(columns)
    return rng.normal(size=(fake, columns)) @ mixing + 0.3, rng.normal(size=(real, columns))


def by_eigenvalues(a: np.ndarray, b: np.ndarray) -> float:
    """tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2 + |m1 - m2|^2, by covariance matrices."""
    s1, s2 = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(s1)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    eigenvalues = np.linalg.eigvalsh(root @ s2 @ root).clip(0)
    shift = np.square(a.mean(0) - b.mean(0)).sum()
    return float(shift + np.trace(s1) + np.trace(s2) - 2 * np.sqrt(eigenvalues).sum())


def by_monai(a: np.ndarray, b: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of an argument it gives to scipy
        return float(get_fid_score(torch.from_numpy(a), torch.from_numpy(b)))


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
    a, b = drawn(3, 200, 150, 8)
    root = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = np.square(a.mean(0) - b.mean(0)).sum()
    expected += np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))


@pytest.mark.parametrize(
    ("fake", "real", "columns"), [(300, 200, 20), (30, 400, 20), (15, 400, 20), (25, 30, 60)]
)
def test_every_form_gives_the_same(
    fake: int, real: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows as they are or reduced to a triangle, whole or in blocks; and eigenvalues."""
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * columns * 7)
    a, b = drawn(4, fake, real, columns)
    values = []
    for choice in itertools.product((False, True), repeat=2):
        with patch.object(frechet, "_cost", lambda _a, _b, reduced, c=choice: reduced != c):
            values.append(frechet_distance(a, b))
    assert values == pytest.approx([values[0]] * 4, rel=1e-9)
    if min(fake, real) > columns:
        assert values[0] == pytest.approx(by_eigenvalues(a, b), rel=1e-9)


def test_rows_are_reduced_where_it_saves_work() -> None:
    """Ten million rows of 32 features would otherwise need a matrix of 10^7 by 10^7."""
    cost = frechet._cost
    many = (10**7, 32)
    choices = list(itertools.product((False, True), repeat=2))
    assert min(choices, key=lambda c: cost(many, many, c)) == (True, True)
    assert min(choices, key=lambda c: cost((50, 2048), (60, 2048), c)) == (False, False)
    assert min(choices, key=lambda c: cost((5000, 2048), (50, 2048), c)) == (False, False)


def test_equals_monai_with_more_samples_than_features() -> None:
    a, b = drawn(5, 120, 100, 24)
    assert frechet_distance(a, b) == pytest.approx(by_monai(a, b), rel=1e-6)


def test_equals_monai_with_fewer_samples_than_features() -> None:
    """There the product of covariances is singular, and the root of it only good to some 1e-8."""
    a, b = drawn(6, 12, 15, 40)
    assert frechet_distance(a, b) == pytest.approx(by_monai(a, b), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-100, 1e-3, 1.0, 1e100])
@pytest.mark.parametrize("sizes", [(60, 50, 10), (12, 15, 40)])
def test_scales_with_the_square_and_keeps_its_digits(
    scale: float, sizes: tuple[int, int, int]
) -> None:
    a, b = drawn(7, *sizes)
    ratio = frechet_distance(a * scale, b * scale) / scale / scale
    assert ratio == pytest.approx(frechet_distance(a, b), rel=1e-12)


def test_a_large_mean_costs_no_digits() -> None:
    a, b = drawn(8, 40, 30, 12)
    assert frechet_distance(a + 1e4, b + 1e4) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def test_constant_sets_have_the_distance_of_their_means() -> None:
    assert frechet_distance(np.zeros((4, 3)), np.zeros((5, 3))) == 0.0
    assert frechet_distance(np.full((4, 3), 2.0), np.zeros((5, 3))) == pytest.approx(12.0)


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 12), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_is_symmetric_not_negative_and_blind_to_order_turns_and_shifts(
    seed: int, fake: int, real: int, columns: int
) -> None:
    a, b = drawn(seed, fake, real, columns)
    value = frechet_distance(a, b)
    close = pytest.approx(value, rel=1e-9, abs=1e-9)
    rng = np.random.default_rng(seed)
    turn = stats.ortho_group.rvs(columns, random_state=seed) if columns > 1 else -np.eye(1)
    shift = rng.normal(size=columns) * 10
    assert value >= 0.0
    assert frechet_distance(b, a) == close
    assert frechet_distance(rng.permutation(a), rng.permutation(b)) == close
    assert frechet_distance(a @ turn + shift, b @ turn + shift) == close
    assert frechet_distance(2.5 * a, 2.5 * b) == pytest.approx(6.25 * value, rel=1e-9, abs=1e-8)
    assert frechet_distance(a, a[::-1].copy()) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("columns", [5, 60])
def test_weights_are_repeated_rows(columns: int) -> None:
    a, b = drawn(9, 30, 25, columns)
    rng = np.random.default_rng(9)
    u, v = rng.multinomial(30, [1 / 30] * 30), rng.multinomial(25, [1 / 25] * 25)
    expected = frechet_distance(np.repeat(a, u, axis=0), np.repeat(b, v, axis=0))
    statistic = Frechet(a, b)
    assert statistic(u.astype(np.float64), v.astype(np.float64)) == pytest.approx(expected)
    assert statistic(u.astype(np.float64)) == pytest.approx(
        frechet_distance(np.repeat(a, u, axis=0), b)
    )
    assert statistic(np.ones(30), np.ones(25)) == pytest.approx(statistic(), rel=1e-12)


def test_one_volume_and_weights_of_one_are_refused() -> None:
    a, b = drawn(10, 3, 4, 2)
    with pytest.raises(BadInputError, match="needs at least two"):
        frechet_distance(a[:1], b)
    with pytest.raises(BadInputError, match="real features: row 0 holds NaN"):
        frechet_distance(a, np.where(np.arange(4)[:, None] == 0, np.nan, b))
    with pytest.raises(BadInputError, match="at least two"):
        Frechet(a, b)(np.array([0.0, 1.0, 0.0]))

"""MMD against its definition, pair by pair, and the median distance against all distances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist

from hagan.errors import BadInputError
from hagan.evaluation import distances
from hagan.evaluation import mmd as module
from hagan.evaluation.mmd import HA_GAN_OFFSET, MMD, median_distance, mmd


def drawn(seed: int, fake: int, real: int, columns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1.3 * rng.normal(size=(fake, columns)) + 0.2, rng.normal(size=(real, columns))


def by_definition(
    fake: np.ndarray, real: np.ndarray, bandwidth: float, unbiased: bool, offset: float
) -> float:
    """Sums over pairs, one at a time."""

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-(np.square(x - y).sum() + offset) / bandwidth**2))

    value = -2.0 * np.mean([k(x, y) for x in fake for y in real])
    for rows in (fake, real):
        pairs = itertools.product(range(len(rows)), repeat=2)
        value += np.mean([k(rows[i], rows[j]) for i, j in pairs if i != j or not unbiased])
    return float(value)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_equals_its_definition(
    kept: bool, unbiased: bool, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_KEPT", 100 if kept else 5)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 17 * 3)
    fake, real = drawn(0, 12, 17)
    expected = by_definition(fake, real, 2.0, unbiased, offset)
    value = mmd(fake, real, bandwidth=2.0, unbiased=unbiased, offset=offset)
    assert value == pytest.approx(expected, rel=1e-12)


def test_of_gaussians_tends_to_the_closed_form() -> None:
    """E exp(-|x - y|^2 / h^2) of normal vectors is known."""
    rng = np.random.default_rng(1)
    columns, shift, bandwidth = 3, 0.8, 2.0
    fake, real = rng.normal(size=(3000, columns)) + shift, rng.normal(size=(3000, columns))
    same = (1.0 + 4.0 / bandwidth**2) ** (-columns / 2)
    across = same * np.exp(-columns * shift**2 / (bandwidth**2 + 4.0))
    expected = 2.0 * same - 2.0 * across
    assert mmd(fake, real, bandwidth=bandwidth) == pytest.approx(expected, abs=0.01)
    assert expected > 0.15


def test_has_no_bias_and_may_be_negative() -> None:
    """Both sets from one distribution, 300 times: the mean is 0 within its error."""
    rng = np.random.default_rng(2)
    values = [
        mmd(rng.normal(size=(8, 3)), rng.normal(size=(6, 3)), bandwidth=1.5) for _ in range(300)
    ]
    assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(300)
    assert min(values) < -0.01


@pytest.mark.parametrize("kept", [True, False])
def test_weights_leave_out_pairs_of_a_row_with_itself(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resample's sums over pairs of rows that were different rows before the draw."""
    monkeypatch.setattr(module, "LARGEST_KEPT", 100 if kept else 5)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 14 * 4)
    fake, real = drawn(3, 10, 14)
    rng = np.random.default_rng(3)
    u, v = rng.multinomial(10, [0.1] * 10), rng.multinomial(14, [1 / 14] * 14)
    first, second = np.repeat(np.arange(10), u), np.repeat(np.arange(14), v)

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-np.square(x - y).sum() / 4.0))

    expected = -2.0 * np.mean([k(fake[i], real[j]) for i in first for j in second])
    for rows, numbers in ((fake, first), (real, second)):
        pairs = itertools.product(numbers, repeat=2)
        expected += np.mean([k(rows[i], rows[j]) for i, j in pairs if i != j])
    weights = u.astype(np.float64), v.astype(np.float64)
    assert MMD(fake, real, bandwidth=2.0)(*weights) == pytest.approx(expected, rel=1e-11)
    biased = MMD(fake, real, bandwidth=2.0, unbiased=False)
    repeated = mmd(fake[first], real[second], bandwidth=2.0, unbiased=False)
    assert biased(*weights) == pytest.approx(repeated, rel=1e-11)
    assert biased(np.ones(10)) == pytest.approx(biased(), rel=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 10), st.integers(2, 10), st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_is_symmetric_and_blind_to_order_turns_and_shifts(
    seed: int, fake: int, real: int, columns: int
) -> None:
    a, b = drawn(seed, fake, real, columns)
    width = median_distance(a, b)
    value = mmd(a, b, bandwidth=width)
    close = pytest.approx(value, abs=1e-11)
    rng = np.random.default_rng(seed)
    turn = stats.ortho_group.rvs(columns, random_state=seed)
    moved = a @ turn + 7.0, b @ turn + 7.0
    assert mmd(b, a, bandwidth=width) == close
    assert mmd(rng.permutation(a), rng.permutation(b), bandwidth=width) == close
    assert median_distance(*moved) == pytest.approx(width, rel=1e-9)
    assert mmd(*moved, bandwidth=width) == close
    assert mmd(2.5 * a, 2.5 * b, bandwidth=2.5 * width) == close
    assert mmd(a, a.copy(), bandwidth=width, unbiased=False) == pytest.approx(0.0, abs=1e-12)
    assert mmd(a, b, bandwidth=width, unbiased=False) >= -1e-12


def test_an_offset_matters_only_where_distances_are_tiny() -> None:
    """HA-GAN's offset of 1e-5 is as large as squared distances of features of 1e-3."""
    fake, real = drawn(4, 10, 10)
    for scale, changes in ((1.0, False), (1e-3, True)):
        small = fake * scale, real * scale
        width = median_distance(*small)
        plain = mmd(*small, bandwidth=width)
        theirs = mmd(*small, bandwidth=width, offset=HA_GAN_OFFSET)
        assert (abs(theirs - plain) > 0.1 * abs(plain)) == changes


def test_median_is_that_of_all_distances_of_the_pooled_rows() -> None:
    for seed, (fake, real) in enumerate([(7, 6), (8, 6), (2, 1), (30, 25)]):
        a, b = drawn(seed, fake, real)
        expected = np.median(pdist(np.concatenate([a, b])))
        assert median_distance(a, b) == pytest.approx(expected, rel=1e-12)
        with_offset = np.median(np.sqrt(np.square(pdist(np.concatenate([a, b]))) + 2.0))
        assert median_distance(a, b, offset=2.0) == pytest.approx(with_offset, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_median_is_exact_where_distances_do_not_fit(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even and odd counts, smooth and with many ties."""
    monkeypatch.setattr(module, "LARGEST_SORTED", 3)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 60 * 7)
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60 + seed, 3)) if seed % 2 else rng.integers(0, 3, (60 + seed, 2)) * 1.0
    assert median_distance(rows) == pytest.approx(np.median(pdist(rows)), rel=1e-9)


def test_median_of_two_clusters_lies_between_their_distances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three distances of 0 and three of 1: the two in the middle are far apart."""
    monkeypatch.setattr(module, "LARGEST_SORTED", 1)
    rows = np.array([[0.0], [0.0], [0.0], [1.0]])
    assert median_distance(rows) == pytest.approx(0.5)


def test_what_has_no_meaning_is_refused() -> None:
    fake, real = drawn(5, 4, 4)
    for bandwidth in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(BadInputError, match="expected a positive distance"):
            mmd(fake, real, bandwidth=bandwidth)
    with pytest.raises(BadInputError, match="needs at least two"):
        mmd(fake[:1], real, bandwidth=1.0)
    with pytest.raises(BadInputError, match="needs at least two"):
        median_distance(fake[:1])
    with pytest.raises(BadInputError, match="fewer than two fake rows"):
        MMD(fake, real, bandwidth=1.0)(np.array([0.0, 4.0, 0.0, 0.0]))

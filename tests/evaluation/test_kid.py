"""KID against its definition pair by pair, and no bias."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics.pairwise import polynomial_kernel

from hagan.errors import BadInputError
from hagan.evaluation import distances
from hagan.evaluation import mmd as module
from hagan.evaluation.kid import KID, kid


def drawn(seed: int, fake: int, real: int, columns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1.3 * rng.normal(size=(fake, columns)) + 0.2, rng.normal(size=(real, columns))


@pytest.mark.parametrize("kept", [True, False])
def test_equals_the_kernel_of_scikit_learn(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_KEPT", 100 if kept else 5)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 15 * 4)
    fake, real = drawn(0, 11, 15)
    value = -2.0 * polynomial_kernel(fake, real, degree=3, coef0=1.0).mean()
    for rows in (fake, real):
        kernel = polynomial_kernel(rows, rows, degree=3, coef0=1.0)
        value += kernel[~np.eye(len(rows), dtype=bool)].mean()
    assert kid(fake, real) == pytest.approx(value, rel=1e-11)


def test_has_no_bias_and_sees_a_shift() -> None:
    rng = np.random.default_rng(1)
    values = [kid(rng.normal(size=(8, 3)), rng.normal(size=(6, 3))) for _ in range(400)]
    assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(400)
    assert min(values) < 0.0
    assert kid(rng.normal(size=(200, 3)) + 1.0, rng.normal(size=(200, 3))) > 10 * np.std(values) / 8


def test_weights_leave_out_pairs_of_a_row_with_itself() -> None:
    fake, real = drawn(2, 10, 8)
    rng = np.random.default_rng(2)
    u, v = rng.multinomial(10, [0.1] * 10), rng.multinomial(8, [1 / 8] * 8)
    first, second = np.repeat(np.arange(10), u), np.repeat(np.arange(8), v)
    expected = -2.0 * np.mean([(x @ y / 6 + 1) ** 3 for x in fake[first] for y in real[second]])
    for rows, numbers in ((fake, first), (real, second)):
        pairs = itertools.product(numbers, repeat=2)
        expected += np.mean([(rows[i] @ rows[j] / 6 + 1) ** 3 for i, j in pairs if i != j])
    value = KID(fake, real)(u.astype(np.float64), v.astype(np.float64))
    assert value == pytest.approx(expected, rel=1e-11)


@given(st.integers(0, 10**6), st.integers(2, 10), st.integers(2, 10), st.integers(2, 8))
@settings(max_examples=20, deadline=None)
def test_is_symmetric_and_blind_to_order_and_turns(
    seed: int, fake: int, real: int, columns: int
) -> None:
    a, b = drawn(seed, fake, real, columns)
    close = pytest.approx(kid(a, b), rel=1e-9, abs=1e-9)
    turn = stats.ortho_group.rvs(columns, random_state=seed)
    assert kid(b, a) == close
    assert kid(a[::-1].copy(), b) == close
    assert kid(a @ turn, b @ turn) == close


def test_one_row_is_refused() -> None:
    fake, real = drawn(3, 4, 4)
    with pytest.raises(BadInputError, match="real features hold 1 row"):
        kid(fake, real[:1])

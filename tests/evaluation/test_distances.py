"""Distances in blocks against those taken one by one, and inputs that must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from hagan.errors import BadInputError
from hagan.evaluation import distances
from hagan.evaluation.distances import (
    centred,
    check_features,
    kth_squared_distances,
    nearest_distances,
    row_blocks,
    squared_distances,
    weighted_median,
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a block where there are forty columns."""
    monkeypatch.setattr(distances, "BLOCK_BYTES", 1000)


def features(seed: int, rows: int, columns: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


@pytest.mark.usefixtures("small_blocks")
def test_blocks_cover_every_row_once_and_stay_small() -> None:
    found = list(row_blocks(47, 40))
    assert len(found) == 16
    assert [i for block in found for i in range(block.start, block.stop)] == list(range(47))
    assert max(block.stop - block.start for block in found) * 40 * 8 <= 1000


def test_a_row_wider_than_a_block_is_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8)
    assert len(list(row_blocks(5, 100))) == 5


@pytest.mark.usefixtures("small_blocks")
def test_distances_are_those_of_scipy() -> None:
    a, b = features(0, 47), features(1, 40)
    expected = cdist(a, b)
    assert np.sqrt(squared_distances(a, b)) == pytest.approx(expected, rel=1e-12)
    assert nearest_distances(a, b) == pytest.approx(expected.min(axis=1), rel=1e-12)
    own = np.sort(cdist(a, a), axis=1)
    assert nearest_distances(a) == pytest.approx(own[:, 1], rel=1e-12)
    assert np.sqrt(kth_squared_distances(a, 4)) == pytest.approx(own[:, 4], rel=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_a_copy_is_at_exactly_no_distance_however_far_from_the_origin() -> None:
    a = features(2, 30) + 1e6
    assert not nearest_distances(a[[4, 20]], a).any()
    assert not nearest_distances(a[[7, 7, 7]]).any()
    assert squared_distances(a, a).min() >= 0.0


def test_distances_keep_their_digits_far_from_the_origin() -> None:
    a = features(3, 20)
    moved, other = centred(a + 1e5, a[:5] + 1e5)
    expected = cdist(a, a[:5], "sqeuclidean")
    assert squared_distances(moved, other) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4)), min_size=1, max_size=12))
def test_weighted_median_is_that_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], np.float64)
    counts = np.array([count for _, count in pairs])
    if counts.sum() > 0:
        repeated = np.repeat(values, counts)
        assert weighted_median(values, counts.astype(np.float64)) == np.median(repeated)
    assert weighted_median(values) == np.median(values)


@pytest.mark.parametrize(
    ("fake", "text"),
    [
        (np.zeros((1, 3)), "needs at least two"),
        (np.zeros((4, 2)), "2 columns and real features 3"),
        (np.zeros(4), "expected \\[volumes, features\\]"),
        (np.array([[0.0] * 3, [0.0, np.nan, 0.0]]), "row 1 holds NaN"),
        (np.array([[np.inf] * 3, [0.0] * 3]), "row 0 holds NaN or infinity"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused_by_name(fake: np.ndarray, text: str) -> None:
    with pytest.raises(BadInputError, match=f"^fake features.*{text}"):
        check_features(real=np.ones((4, 3)), fake=fake)

"""Precision, recall, density and coverage against loops over balls; components against PCA."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from hagan.errors import BadInputError
from hagan.evaluation import distances
from hagan.evaluation.neighbours import Components, Neighbours

NAMES = ("precision", "recall", "density", "coverage", "spacing")


def drawn(seed: int, fake: int, real: int, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 0.8 * rng.normal(size=(fake, columns)) + 0.5, rng.normal(size=(real, columns))


def by_loops(fake: np.ndarray, real: np.ndarray, k: int) -> dict[str, float]:
    def radii(rows: np.ndarray) -> list[float]:
        return [float(np.sort(distances)[k]) for distances in cdist(rows, rows)]

    across = cdist(fake, real)
    fake_radii, real_radii = radii(fake), radii(real)
    n, m = across.shape
    precision = [any(across[i, j] <= real_radii[j] for j in range(m)) for i in range(n)]
    recall = [any(across[i, j] <= fake_radii[i] for i in range(n)) for j in range(m)]
    inside = [[across[i, j] < real_radii[j] for j in range(m)] for i in range(n)]
    nearest = [np.median(np.sort(cdist(rows, rows), axis=1)[:, 1]) for rows in (fake, real)]
    return {
        "precision": float(np.mean(precision)),
        "recall": float(np.mean(recall)),
        "density": float(np.sum(inside) / (k * n)),
        "coverage": float(np.mean(np.any(inside, axis=0))),
        "spacing": float(nearest[0] / nearest[1]),
    }


def all_of(neighbours: Neighbours) -> dict[str, float]:
    return {name: getattr(neighbours, name)() for name in NAMES}


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_equal_loops_over_balls(seed: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 60 * 7)
    fake, real = drawn(seed, 50, 60)
    found = all_of(Neighbours(fake, real, k))
    assert found == pytest.approx(by_loops(fake, real, k), rel=1e-12)
    assert 0.0 < found["recall"] < 1.0
    assert 0.0 < found["coverage"] < 1.0


@given(st.integers(0, 10**6), st.integers(6, 20), st.integers(6, 20), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_are_blind_to_order_turns_shifts_and_scale(
    seed: int, fake: int, real: int, columns: int
) -> None:
    a, b = drawn(seed, fake, real, columns)
    found = all_of(Neighbours(a, b))
    turn = 3.0 * stats.ortho_group.rvs(columns, random_state=seed)
    moved = all_of(Neighbours(a @ turn + 9.0, b @ turn + 9.0))
    assert moved == pytest.approx(found, rel=1e-7)
    assert all_of(Neighbours(a[::-1].copy(), b)) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_set_and_its_copy(offset: float) -> None:
    """Rounding decides nothing where a row lies exactly on the surface of a ball."""
    _, real = drawn(0, 2, 200, 48)
    copies = np.random.default_rng(0).permutation(real)
    found = all_of(Neighbours(copies + offset, real + offset))
    assert found == pytest.approx(dict.fromkeys(NAMES, 1.0), rel=1e-6)


def test_equal_distributions_give_what_theory_says() -> None:
    """Density 1, and coverage 1 - 2^-k."""
    rng = np.random.default_rng(1)
    found = Neighbours(rng.normal(size=(800, 3)), rng.normal(size=(800, 3)), 5)
    assert found.density() == pytest.approx(1.0, abs=0.08)
    assert found.coverage() == pytest.approx(1.0 - 2.0**-5, abs=0.03)
    assert found.spacing() == pytest.approx(1.0, abs=0.12)


def test_each_fault_moves_its_own_number() -> None:
    """Missing modes lower recall and coverage, outliers precision and density."""
    rng = np.random.default_rng(2)
    real = rng.normal(size=(200, 2)) + 10.0 * rng.integers(0, 2, (200, 1))
    one_mode = Neighbours(rng.normal(size=(200, 2)), real)
    assert one_mode.precision() > 0.9
    assert one_mode.recall() < 0.65
    assert one_mode.coverage() < 0.65
    half_far = rng.normal(size=(200, 2)) + 10.0 * rng.integers(0, 2, (200, 1))
    half_far[:100] += 50.0
    outliers = Neighbours(half_far, real)
    assert outliers.precision() < 0.55
    assert outliers.density() < 0.6
    assert outliers.coverage() > 0.75


def test_samples_that_are_all_alike() -> None:
    _, real = drawn(3, 2, 30)
    same = Neighbours(np.repeat(real[:1], 20, axis=0), real)
    assert same.spacing() == 0.0
    assert same.precision() == 1.0
    assert same.recall() == pytest.approx(1 / 30)
    nowhere = Neighbours(np.full((20, 4), 100.0), real)
    assert (nowhere.precision(), nowhere.recall(), nowhere.density()) == (0.0, 0.0, 0.0)


def test_weights_repeat_the_rows_that_are_asked_and_leave_the_balls() -> None:
    fake, real = drawn(4, 30, 40)
    whole = Neighbours(fake, real, 3)
    rng = np.random.default_rng(4)
    u, v = rng.multinomial(30, [1 / 30] * 30), rng.multinomial(40, [1 / 40] * 40)
    weights = u.astype(np.float64), v.astype(np.float64)
    radius = np.sort(cdist(real, real), axis=1)[:, 3]
    across = cdist(np.repeat(fake, u, axis=0), real)
    assert whole.precision(*weights) == pytest.approx((across <= radius).any(axis=1).mean())
    assert whole.density(*weights) == pytest.approx((across < radius).sum() / (3 * 30))
    fake_radius = np.sort(cdist(fake, fake), axis=1)[:, 3]
    across = cdist(fake, np.repeat(real, v, axis=0))
    covered = (across < np.repeat(radius, v)).any(axis=0)
    assert whole.recall(*weights) == pytest.approx((across <= fake_radius[:, None]).any(0).mean())
    assert whole.coverage(*weights) == pytest.approx(covered.mean())
    nearest = [np.sort(cdist(rows, rows), axis=1)[:, 1] for rows in (fake, real)]
    expected = np.median(np.repeat(nearest[0], u)) / np.median(np.repeat(nearest[1], v))
    assert whole.spacing(*weights) == pytest.approx(expected)
    assert whole.precision(weights[0]) == whole.precision(*weights)


def test_too_few_rows_and_duplicated_reals_are_refused() -> None:
    fake, real = drawn(5, 5, 10)
    with pytest.raises(BadInputError, match=r"fake features hold 5 row.*at least 6"):
        Neighbours(fake, real, 5)
    with pytest.raises(BadInputError, match="remove the duplicates"):
        Neighbours(fake, np.repeat(real, 2, axis=0), 3).spacing()


@pytest.mark.parametrize(("rows", "columns"), [(40, 8), (20, 100)])
def test_components_are_those_of_standardised_pca(rows: int, columns: int) -> None:
    rng = np.random.default_rng(6)
    mixing = rng.normal(size=(columns, columns))
    real, fake = rng.normal(size=(rows, columns)) @ mixing, rng.normal(size=(7, columns)) @ mixing
    fitted = Components(real * 1e3, components=5)
    reduced, other = fitted.project(real * 1e3), fitted.project(fake * 1e3)
    mean, spread = real.mean(axis=0), real.std(axis=0, ddof=1)
    pca = PCA(5, svd_solver="full").fit((real - mean) / spread)
    assert np.abs(reduced) == pytest.approx(np.abs(pca.transform((real - mean) / spread)))
    assert np.abs(other) == pytest.approx(np.abs(pca.transform((fake - mean) / spread)))


def test_all_components_keep_every_distance_and_a_sign() -> None:
    rng = np.random.default_rng(7)
    real = rng.normal(size=(12, 30))
    reduced = Components(real).project(real)
    assert reduced.shape == (12, 11)
    assert cdist(reduced, reduced) == pytest.approx(cdist(*[real / real.std(0, ddof=1)] * 2))
    again = Components(real[::-1].copy()).project(real)
    assert again == pytest.approx(reduced, abs=1e-9)


def test_components_are_as_many_as_the_rank() -> None:
    """Directions without variation would be drawn by rounding."""
    rng = np.random.default_rng(9)
    flat = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60))
    assert Components(flat).axes.shape == (3, 60)
    assert Components(flat, 2).axes.shape == (2, 60)
    assert Components(np.vstack([flat] * 2)).axes.shape == (3, 60)
    with pytest.raises(BadInputError, match="other features have 59 columns"):
        Components(flat).project(flat[:, 1:])


def test_constant_columns_count_nothing() -> None:
    """Also where the others vary in them, or where only rounding is left."""
    rng = np.random.default_rng(8)
    real, fake = rng.normal(size=(20, 3)), rng.normal(size=(9, 3))
    plain = Components(real)
    constant = np.full((20, 1), 0.1) * 3
    wide_real = np.hstack([real, constant, constant * (1 + 1e-15)])
    wide = Components(wide_real)
    assert wide.project(wide_real) == pytest.approx(plain.project(real))
    wide_fake = np.hstack([fake, rng.normal(size=(9, 2))])
    assert wide.project(wide_fake) == pytest.approx(plain.project(fake))
    with pytest.raises(BadInputError, match="the same in every volume"):
        Components(constant)


def test_a_feature_that_hardly_moves_in_the_reference_does_not_outweigh_the_others() -> None:
    rng = np.random.default_rng(8)
    reference, other = rng.normal(size=(30, 10)), rng.normal(size=(30, 10))
    reference[:, 0] *= 1e-6
    other[:, 0] *= 1e-2
    fitted = Components(reference)
    rows, others = fitted.project(reference), fitted.project(other)
    assert np.abs(others).max() < 2 * np.abs(rows).max()

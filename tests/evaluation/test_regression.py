"""Ridge regression against closed forms, and R2 against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from hagan.errors import BadInputError
from hagan.evaluation.regression import (
    PENALTIES,
    fit_ridge,
    r_squared,
    r_squared_interval,
    unseen_r_squared,
)


def drawn(scans: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(3, 1, (scans, features)) * rng.uniform(0.2, 5, features)
    values = matrix @ rng.normal(size=features) + rng.normal(size=scans) + 7
    return matrix, values


def normal_equations(
    matrix: np.ndarray, values: np.ndarray, penalty: float
) -> tuple[np.ndarray, float]:
    """The minimum of |y - Xw - b|^2 + penalty |w|^2, with the intercept as a free column."""
    wide = np.column_stack([matrix, np.ones(len(matrix))])
    cost = penalty * np.eye(wide.shape[1])
    cost[-1, -1] = 0
    solution = np.linalg.solve(wide.T @ wide + cost, wide.T @ values)
    return solution[:-1], float(solution[-1])


@pytest.mark.parametrize("penalty", [1e-4, 1.0, 300.0])
def test_the_fit_solves_the_normal_equations(penalty: float) -> None:
    matrix, values = drawn(40, 6)
    fit = fit_ridge(matrix, values, penalty)
    weights, intercept = normal_equations(matrix, values, penalty)
    np.testing.assert_allclose(fit.weights, weights, rtol=1e-8)
    assert fit.intercept == pytest.approx(intercept, rel=1e-8)
    np.testing.assert_allclose(fit.predict(matrix), matrix @ weights + intercept, rtol=1e-8)


def test_scaled_weights_are_those_of_plain_features() -> None:
    matrix, values = drawn(40, 6)
    fit = fit_ridge(matrix, values, 2.0, scaled=True)
    spread = matrix.std(axis=0)
    weights, intercept = normal_equations(matrix / spread, values, 2.0)
    np.testing.assert_allclose(fit.weights, weights / spread, rtol=1e-8)
    assert fit.intercept == pytest.approx(intercept, rel=1e-8)


def test_more_features_than_scans_are_interpolated() -> None:
    matrix, values = drawn(10, 50)
    fit = fit_ridge(matrix, values, 0.0)
    np.testing.assert_allclose(fit.predict(matrix), values, rtol=1e-8)
    centred = matrix - matrix.mean(axis=0)
    shortest = np.linalg.pinv(centred) @ (values - values.mean())
    np.testing.assert_allclose(fit.weights, shortest, rtol=1e-6, atol=1e-10)


def test_the_chosen_penalty_leaves_out_best() -> None:
    matrix, values = drawn(25, 20, seed=4)
    values = values + np.random.default_rng(1).normal(0, 20, 25)
    variance = float(((matrix - matrix.mean(axis=0)) ** 2).sum() / 25)

    def left_out(penalty: float) -> float:
        errors = []
        for scan in range(25):
            rest = np.arange(25) != scan
            # The intercept stays that of all scans, as in generalised cross-validation.
            centre, mean = matrix.mean(axis=0), values.mean()
            weights = np.linalg.solve(
                (matrix[rest] - centre).T @ (matrix[rest] - centre) + penalty * np.eye(20),
                (matrix[rest] - centre).T @ (values[rest] - mean),
            )
            errors.append(float(values[scan] - mean - (matrix[scan] - centre) @ weights))
        return float(np.square(errors).sum())

    tried = [variance * factor for factor in PENALTIES]
    chosen = fit_ridge(matrix, values).penalty
    assert any(chosen == pytest.approx(penalty) for penalty in tried)
    # sklearn leaves the intercept out of what it leaves out, so neighbours may tie.
    order = np.argsort([left_out(penalty) for penalty in tried])
    assert chosen in [pytest.approx(tried[place]) for place in order[:3]]


def test_r_squared_is_sklearns() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=30)
    predicted = values + rng.normal(size=30)
    assert r_squared(values, predicted) == pytest.approx(r2_score(values, predicted), rel=1e-12)
    assert r_squared(values, np.full(30, values.mean())) == pytest.approx(0)
    assert np.isnan(r_squared(np.full(5, 0.3), np.arange(5.0)))


def test_unseen_subjects_are_predicted_from_others_alone() -> None:
    """Two scans of a subject that share a secret must not tell it of each other."""
    rng = np.random.default_rng(5)
    secrets = rng.normal(size=30)
    subjects = [f"s{number // 2}" for number in range(60)]
    identity = np.repeat(np.eye(30), 2, axis=0)
    values = np.repeat(secrets, 2)
    assert unseen_r_squared(identity, values, subjects, 1e-6) < 0.05
    apart = [str(number) for number in range(60)]
    assert unseen_r_squared(identity, values, apart, 1e-6) > 0.8
    assert np.isnan(unseen_r_squared(identity[:6], values[:6], subjects[:6]))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    truth = 0.5
    held = 0
    for trial in range(120):
        values = rng.normal(size=150)
        noise = rng.normal(size=150)
        predicted = truth * values + np.sqrt(truth * (1 - truth)) * noise
        subjects = [str(number) for number in range(150)]
        low, high = r_squared_interval(
            values, predicted, subjects=subjects, resamples=200, seed=trial
        )
        held += low <= truth <= high
    assert 0.85 < held / 120 <= 1.0


def test_scans_of_a_subject_are_drawn_together() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 50)
    predicted = values + np.repeat([0.5, -1.0, 0.2, 1.5, -0.3, 0.0], 50)
    together = r_squared_interval(values, predicted, subjects=[str(int(v)) for v in values])
    apart = r_squared_interval(
        values, predicted, subjects=[str(number) for number in range(len(values))]
    )
    assert together[1] - together[0] > 3 * (apart[1] - apart[0])


def test_too_few_and_what_is_not_finite_is_refused() -> None:
    matrix, values = drawn(2, 3)
    with pytest.raises(BadInputError, match="at least 3"):
        fit_ridge(matrix, values)
    matrix, values = drawn(5, 3)
    values[2] = np.nan
    with pytest.raises(BadInputError, match="not finite"):
        fit_ridge(matrix, values)

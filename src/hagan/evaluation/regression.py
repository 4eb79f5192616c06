"""Linear regression of clinical quantities on features, judged on subjects that it has not seen.

Paper IV-F: ridge regression with a penalty of 1e-4 from encoded latents, R2 on held-out subjects.
With fewer scans than features so small a penalty interpolates; a penalty that is chosen within the
training scans stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.typing import NDArray
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GroupKFold

from hagan.errors import BadInputError

PAPER_PENALTY = 1e-4

PENALTIES = tuple(10.0**power for power in np.arange(-4.0, 4.5, 0.5))
"""Tried where none is given, as multiples of the features' variance a scan."""

Matrix = Float64[ndarray, "n f"]
Column = Float64[ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Fit:
    """y = weights . x + intercept."""

    weights: Float64[ndarray, " f"]
    intercept: float
    penalty: float
    """Of the sum of squared weights, beside the sum of squared errors."""

    def predict(self, features: Matrix) -> Column:
        """The values [n] of features [n, f]."""
        values: NDArray[np.float64] = features @ self.weights + self.intercept
        return values


def fit_ridge(
    features: Matrix, values: Column, penalty: float | None = None, *, scaled: bool = False
) -> Fit:
    """Minimise ``|y - Xw - b|^2 + penalty |w|^2``.

    Args:
        features: Of the training scans [n, f].
        values: Of the training scans [n].
        penalty: None has it chosen by leaving out each scan once.
        scaled: Divide each feature by its standard deviation first; the weights that are returned
            are those of the plain features.

    Raises:
        BadInputError: Fewer than three scans, or values that are not finite.
    """
    if len(values) < 3:
        raise BadInputError(f"{len(values)} scan(s) have a value, a regression needs at least 3")
    if not (np.isfinite(features).all() and np.isfinite(values).all()):
        raise BadInputError("features or values are not finite; leave those scans out")
    centre = features.mean(axis=0)
    spread = features.std(axis=0) if scaled else np.ones(features.shape[1])
    divisor = np.where(spread > 0, spread, 1.0)
    inputs = (features - centre) / divisor
    if penalty is None:
        variance = float((inputs**2).sum() / len(inputs)) or 1.0
        model = RidgeCV(alphas=[variance * factor for factor in PENALTIES])
        model.fit(inputs, values)
        penalty = float(model.alpha_)
        slopes = model.coef_
    elif penalty == 0.0:
        # Of all that fit equally well the shortest.
        slopes = np.linalg.lstsq(inputs, values - values.mean(), rcond=None)[0]
    else:
        slopes = Ridge(alpha=penalty, solver="svd").fit(inputs, values).coef_
    weights = np.asarray(slopes, np.float64) / divisor
    # Features are centred, so that the plain mean is what they leave.
    intercept = float(values.mean()) - float(centre @ weights)
    return Fit(weights, intercept, penalty)


def unseen_r_squared(
    features: Matrix,
    values: Column,
    subjects: Sequence[str],
    penalty: float | None = None,
    *,
    parts: int = 5,
) -> float:
    """R2 of scans whose subjects a fit has not seen: each part predicted from the others.

    Args:
        features: [n, f].
        values: [n].
        subjects: Who is shown [n]; one subject's scans stay together.
        penalty: As for `fit_ridge`, chosen within each fit if none is given.
        parts: Into which the subjects are split.

    Returns:
        R2 over all scans; NaN with fewer than six subjects.
    """
    names = np.asarray(subjects)
    if len(set(subjects)) < 6:
        return float("nan")
    predicted = np.empty(len(values))
    for train, test in GroupKFold(parts).split(features, values, names):
        predicted[test] = fit_ridge(features[train], values[train], penalty).predict(features[test])
    return r_squared(values, predicted)


def r_squared(values: Column, predicted: Column) -> float:
    """1 - sum (y - p)^2 / sum (y - mean y)^2; NaN where the values do not vary.

    Below 0 a prediction is worse than the mean of these very values.
    """
    total = float(((values - values.mean()) ** 2).sum())
    # What is left of equal values is rounding.
    if total <= 1e-24 * float((values**2).sum()):
        return float("nan")
    return 1.0 - float(((values - predicted) ** 2).sum()) / total


def r_squared_interval(
    values: Column,
    predicted: Column,
    *,
    subjects: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of R2 over held-out subjects drawn with replacement, the fit kept.

    It holds the chance of who was held out, not that of who was trained on.
    """
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(np.asarray(subjects) == name) for name in dict.fromkeys(subjects)]
    found = []
    for _ in range(resamples):
        drawn = np.concatenate([rows[k] for k in rng.integers(0, len(rows), len(rows))])
        value = r_squared(values[drawn], predicted[drawn])
        if np.isfinite(value):
            found.append(value)
    if not found:
        return float("nan"), float("nan")
    edge = (1 - level) / 2
    low, high = np.quantile(found, [edge, 1 - edge])
    return float(low), float(high)

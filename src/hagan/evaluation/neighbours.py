"""Fidelity and diversity of a set apart, by the nearest neighbours of its rows.

Improved precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020),
and how near the rows of a set lie to one another.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hagan.errors import BadInputError
from hagan.evaluation.distances import (
    centred,
    check_features,
    kth_squared_distances,
    nearest_distances,
    row_blocks,
    squared_distances,
    weighted_median,
)
from hagan.evaluation.measure import Matrix, Weights

SMALLEST_SPREAD = 0.1
"""Of the root mean square of all features' standard deviations."""

TIE = 1e-10
"""Relative difference of squared distances that rounding alone may make."""


class Neighbours:
    """Shares of rows within the balls that reach to each row's k-th nearest other row.

    Each number is a `Statistic`. By weights, the balls stay those of the whole sets and only the
    rows that are asked are resampled, fakes for precision and density, reals for recall and
    coverage: balls of a resample would shrink around its repeated rows. Intervals therefore leave
    out what the other set's draw adds.

    Every number depends on how many rows both sets hold: compare at equal n. In many dimensions
    balls lose their meaning; reduce features first, see `Components`.
    """

    def __init__(self, fake: Matrix, real: Matrix, k: int = 5) -> None:
        """Take features [n, f] and [m, f].

        Raises:
            BadInputError: `k` rows or fewer, rows that are not finite, or different widths.
        """
        assert k >= 1
        check_features(least=k + 1, fake=fake, real=real)
        self.k = k
        self.fake, self.real = centred(fake, real)
        fake_balls = kth_squared_distances(self.fake, k)
        real_balls = kth_squared_distances(self.real, k)
        self.in_real = np.zeros(len(fake), np.bool_)
        self.around_fake = np.zeros(len(fake), np.int64)
        self.in_fake = np.zeros(len(real), np.bool_)
        self.covered = np.zeros(len(real), np.bool_)
        for block in row_blocks(len(fake), len(real)):
            squares = squared_distances(self.fake[block], self.real)
            self.in_real[block] = (squares <= real_balls * (1.0 + TIE)).any(axis=1)
            self.in_fake |= (squares <= fake_balls[block, None] * (1.0 + TIE)).any(axis=0)
            inside = squares < real_balls * (1.0 - TIE)
            self.around_fake[block] = inside.sum(axis=1)
            self.covered |= inside.any(axis=0)

    def precision(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Share of fakes in the closed ball of any real row."""
        return _mean(self.in_real, fake_weights)

    def recall(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Share of reals in the closed ball of any fake row."""
        return _mean(self.in_fake, real_weights)

    def density(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Mean number of open real balls around a fake, over k.

        About 1 for equal distributions, and exactly 1 for a set and itself; may be above 1.
        """
        return _mean(self.around_fake, fake_weights) / self.k

    def coverage(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Share of reals with any fake in their own open ball.

        For equal distributions and sizes about 1 - 2^-k (0.97 at k = 5).
        """
        return _mean(self.covered, real_weights)

    def spacing(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Median distance of fakes to the nearest other fake, over the same of the reals.

        About 1 for equal distributions and sizes, towards 0 where many fakes are alike. Weights
        move the medians; the distances stay those of the whole sets.

        Raises:
            BadInputError: Most real rows have an exact copy.
        """
        reals = weighted_median(self._spacings[1], real_weights)
        if reals == 0.0:
            raise BadInputError(
                "most real features have an exact copy among them, expected different volumes; "
                "remove the duplicates"
            )
        return weighted_median(self._spacings[0], fake_weights) / reals

    @cached_property
    def _spacings(self) -> tuple[Matrix, Matrix]:
        return nearest_distances(self.fake), nearest_distances(self.real)


class Components:
    """Standardisation by a reference set, and its first principal components.

    Attributes:
        axes: Loadings [c, f]. c is the smallest of the components asked for, n - 1, f and the rank.
    """

    def __init__(self, reference: Matrix, components: int = 48) -> None:
        """Fit to features [n, f], those of the real set.

        Each column is divided by its standard deviation, or by `SMALLEST_SPREAD` of their root
        mean square where that is larger: a feature that hardly moves in the reference, such as a
        nearly dead unit, would otherwise outweigh all others in a set where it moves. Columns that
        are constant count nothing. Signs are fixed: each component's largest loading is positive.

        Raises:
            BadInputError: Fewer than two rows, rows that are not finite, or no variation.
        """
        from scipy import linalg

        check_features(reference=reference)
        self.mean = reference.mean(axis=0)
        spread = reference.std(axis=0, ddof=1)
        # What is left of a constant column is rounding, which dividing would blow up.
        constant = spread <= 1e-12 * np.abs(reference).max(axis=0)
        least = SMALLEST_SPREAD * np.sqrt(np.square(spread).mean())
        divisor = np.maximum(spread, least)
        self.factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, divisor))
        if constant.all():
            raise BadInputError(
                "reference features are the same in every volume, expected different ones; give "
                "other volumes"
            )
        standard = (reference - self.mean) * self.factor
        # The smaller of both Gram matrices, and only the eigenvectors that are wanted: a tenth of
        # the work of a singular value decomposition.
        rows, columns = standard.shape
        count = min(components, rows - 1, columns)
        gram = standard @ standard.T if rows < columns else standard.T @ standard
        values, vectors = linalg.eigh(
            gram, subset_by_index=(len(gram) - count, len(gram) - 1), overwrite_a=True
        )
        vectors = vectors[:, values > values[-1] * 1e-12][:, ::-1]
        axes = (standard.T @ vectors).T if rows < columns else vectors.T
        axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        largest = np.abs(axes).argmax(axis=1)
        self.axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]

    def project(self, rows: Matrix) -> Matrix:
        """Features [m, f] in components [m, c].

        Raises:
            BadInputError: Rows that are not finite, or of another width than the reference.
        """
        check_features(1, reference=self.mean[None], other=rows)
        return np.asarray(((rows - self.mean) * self.factor) @ self.axes.T)


def _mean(values: NDArray[np.bool_] | NDArray[np.int64], weights: Weights | None) -> float:
    if weights is None:
        return float(values.mean())
    assert len(weights) == len(values)
    assert weights.sum() > 0.0
    return float(weights @ values / weights.sum())

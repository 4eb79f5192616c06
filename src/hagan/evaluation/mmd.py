"""Squared maximum mean discrepancy (Gretton et al. 2012) with a Gaussian kernel.

The kernel is exp(-(d^2 + offset) / bandwidth^2), without a factor 2, and the bandwidth is the
median of all pairwise distances unless another is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from hagan.errors import BadInputError
from hagan.evaluation.distances import (
    centred,
    check_features,
    row_blocks,
    squared_distances,
)
from hagan.evaluation.measure import Matrix, Weights

Kernel: TypeAlias = Callable[[Matrix, Matrix], Matrix]
"""Rows [n, f] and [m, f] to values [n, m]."""

HA_GAN_OFFSET = 1e-5
"""What the implementation used for HA-GAN's tables adds to every squared distance."""

LARGEST_KEPT = 4096
"""Rows of a set up to which kernel matrices stay in memory: three of 128 MiB at most."""

LARGEST_SORTED = 1 << 24
"""Distances that are held at once (128 MiB) when their median is sought."""


def median_distance(*sets: Matrix, offset: float = 0.0) -> float:
    """Exact median of all distances between different rows of the pooled sets.

    Memory is bounded: beyond `LARGEST_SORTED` distances, counts narrow the range that holds the
    median until what is left can be held.

    Args:
        sets: Features [n, f] each, two rows at least in all.
        offset: Added to each squared distance before the root.

    Raises:
        BadInputError: Too few rows, rows that are not finite, or different widths.
    """
    check_features(least=1, **{f"set {number}": rows for number, rows in enumerate(sets, 1)})
    rows = np.concatenate(centred(*sets))
    check_features(pooled=rows)
    pairs = len(rows) * (len(rows) - 1) // 2
    middle = [(pairs - 1) // 2, pairs // 2]
    if pairs <= LARGEST_SORTED:
        found, filled = np.empty(pairs), 0
        for values in _pairs(rows):
            found[filled : filled + len(values)] = values
            filled += len(values)
        found.partition(middle)
        squares = found[middle]
    else:
        squares = np.array([_ranked(rows, rank, pairs) for rank in middle])
    return float(np.sqrt(squares + offset).mean())


def _ranked(rows: Matrix, rank: int, pairs: int) -> float:
    """The squared distance with so many of all `pairs` below it in order."""
    low, high = 0.0, 4.0 * float(np.square(rows).sum(axis=1).max())
    rounding = 1e-15 * high
    below, inside = 0, pairs
    while inside > LARGEST_SORTED:
        if high - low <= 1e-11 * high or high <= rounding:  # as many equal distances as that
            inside_range = (v[(v >= low) & (v <= high)] for v in _pairs(rows))
            return min(float(values.min()) for values in inside_range if len(values) > 0)
        counts = np.zeros(4096, np.int64)
        for values in _pairs(rows):
            counts += np.histogram(values, bins=4096, range=(low, high))[0]
        upto = below + np.cumsum(counts)
        chosen = int(np.searchsorted(upto, rank, side="right"))
        edges = np.linspace(low, high, 4097)
        low, high = float(edges[chosen]), float(edges[chosen + 1])
        inside = int(counts[chosen])
        below = int(upto[chosen]) - inside
    found = np.concatenate([values[(values >= low) & (values <= high)] for values in _pairs(rows)])
    return float(np.partition(found, rank - below)[rank - below])


def _pairs(rows: Matrix) -> Iterator[Matrix]:
    """Squared distances of every pair once, flat, block by block; the same in every pass."""
    for block in row_blocks(len(rows), len(rows)):
        squares = squared_distances(rows[block], rows[block.start :])
        yield squares[np.logical_not(np.tri(*squares.shape, dtype=np.bool_))]


def mmd(
    fake: Matrix,
    real: Matrix,
    *,
    bandwidth: float,
    unbiased: bool = True,
    offset: float = 0.0,
) -> float:
    """Squared MMD of two sets; see `MMD`."""
    return MMD(fake, real, bandwidth=bandwidth, unbiased=unbiased, offset=offset)()


class Discrepancy:
    """Squared MMD of two sets for any kernel, which can be taken again by weights.

    The unbiased form is the U-statistic: the means of k over pairs of different rows within each
    set, less twice its mean over pairs across. It is about 0 for equal distributions and so may
    be negative. The biased form keeps each row's pair with itself.

    By weights, the unbiased form leaves out every pair of a row with itself, also where the row
    was drawn more than once: sum over i != j of w_i w_j k_ij over the sum of w_i w_j. A second
    copy of a row is no second observation, and counting it as one would add k(x, x) to every
    resample. The biased form is that of repeated rows.
    """

    def __init__(self, fake: Matrix, real: Matrix, kernel: Kernel, *, unbiased: bool) -> None:
        """Take checked features [n, f] and [m, f]; kernel matrices are kept where they fit."""
        self.fake = fake
        self.real = real
        self.kernel = kernel
        self.unbiased = unbiased
        self.kept: dict[str, Matrix] = {}
        if max(len(fake), len(real)) <= LARGEST_KEPT:
            self.kept = {
                "fake": kernel(fake, fake),
                "real": kernel(real, real),
                "across": kernel(fake, real),
            }

    def __call__(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """The squared discrepancy.

        Raises:
            BadInputError: Unbiased, and the weights of a set leave fewer than two rows.
        """
        fake_weights = np.ones(len(self.fake)) if fake_weights is None else fake_weights
        real_weights = np.ones(len(self.real)) if real_weights is None else real_weights
        across, _ = self._sums("across", self.fake, self.real, fake_weights, real_weights)
        value = -2.0 * across / (fake_weights.sum() * real_weights.sum())
        for name, rows, weights in (
            ("fake", self.fake, fake_weights),
            ("real", self.real, real_weights),
        ):
            total, diagonal = self._sums(name, rows, rows, weights, weights)
            pairs = weights.sum() ** 2
            if self.unbiased:
                total, pairs = total - diagonal, pairs - np.square(weights).sum()
            if np.count_nonzero(weights) < 2 and self.unbiased:
                raise BadInputError(
                    f"the weights leave fewer than two {name} rows, an unbiased discrepancy needs "
                    f"at least two; draw again"
                )
            value += total / pairs
        return float(value)

    def _sums(
        self, name: str, first: Matrix, second: Matrix, u: Weights, v: Weights
    ) -> tuple[float, float]:
        """Sum of u_i v_j k_ij over all pairs, and over pairs of equal number."""
        assert len(u) == len(first)
        assert len(v) == len(second)
        total = diagonal = 0.0
        blocks = [slice(0, len(first))] if self.kept else row_blocks(len(first), len(second))
        for block in blocks:
            values = self.kept[name] if self.kept else self.kernel(first[block], second)
            total += float(u[block] @ (values @ v))
            if first is second:
                own = values.diagonal(block.start)[: len(values)]
                diagonal += float(np.square(u[block]) @ own)
        return total, diagonal


class MMD(Discrepancy):
    """Squared MMD with the kernel exp(-(d^2 + offset) / bandwidth^2)."""

    def __init__(
        self,
        fake: Matrix,
        real: Matrix,
        *,
        bandwidth: float,
        unbiased: bool = True,
        offset: float = 0.0,
    ) -> None:
        """Take features [n, f] and [m, f].

        Args:
            fake: Features [n, f].
            real: Features [m, f].
            bandwidth: Distance at which the kernel is 1 / e, as from `median_distance`. A median
                over both sets changes with the generator that is judged; one of real rows alone
                does not.
            unbiased: Leave out the pairs of rows with themselves.
            offset: Added to squared distances; `HA_GAN_OFFSET` for HA-GAN's definition.

        Raises:
            BadInputError: Fewer than two rows, rows that are not finite, different widths, or a
                bandwidth that is not positive.
        """
        check_features(fake=fake, real=real)
        if not (np.isfinite(bandwidth) and bandwidth > 0.0):
            raise BadInputError(
                f"the kernel's bandwidth is {bandwidth:g}, expected a positive distance; a median "
                f"distance of 0 means that most volumes have the same features"
            )
        scale = 1.0 / bandwidth

        def kernel(a: Matrix, b: Matrix) -> Matrix:
            exponents = squared_distances(a, b)
            exponents += offset * scale**2
            np.negative(exponents, out=exponents)
            return np.exp(exponents, out=exponents)

        fake, real = (rows * scale for rows in centred(fake, real))
        super().__init__(fake, real, kernel, unbiased=unbiased)

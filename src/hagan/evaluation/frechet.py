"""Frechet distance of two sets of features, exact in float64 for any number of samples.

The Frechet (squared 2-Wasserstein) distance of two Gaussians is
``|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)`` (Dowson and Landau 1982); on features of a
network it is the FID of Heusel et al. 2017.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from hagan.errors import BadInputError
from hagan.evaluation.distances import centred, check_features, row_blocks
from hagan.evaluation.measure import Matrix, Weights


def frechet_distance(fake: Matrix, real: Matrix) -> float:
    """Squared 2-Wasserstein distance of the Gaussians with the sets' means and covariances.

    The distance is biased upwards by about c / n: compare only at equal n.

    Args:
        fake: Features [n, f].
        real: Features [m, f].

    Returns:
        The distance, at least 0.

    Raises:
        BadInputError: Fewer than two rows, rows that are not finite, or different widths.
    """
    return Frechet(fake, real)()


class Frechet:
    """The Frechet distance of two sets, which can be taken again by weights.

    With centred features over root (n - 1) as A and B, tr (S1 S2)^(1/2) is the nuclear norm of
    A B^T. That needs no matrix square root, is real and never negative, and holds for n below the
    number of features. A set with many more rows than features is first replaced by the
    triangular factor of its QR decomposition, which has the same covariance; covariances are never
    formed, as they square the condition number.
    """

    def __init__(self, fake: Matrix, real: Matrix) -> None:
        """Take features [n, f] and [m, f].

        Raises:
            BadInputError: Fewer than two rows, rows that are not finite, or different widths.
        """
        check_features(fake=fake, real=real)
        # Squares of the very large and very small would leave the range of float64; a power of
        # two changes no digit.
        largest = max(np.abs(fake).max(), np.abs(real).max())
        self.scale = float(2.0 ** np.floor(np.log2(largest))) if largest > 0.0 else 1.0
        # Near the origin, sums of squares keep their digits.
        self.fake, self.real = centred(fake / self.scale, real / self.scale)

    def __call__(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """The distance; weighted means, and weighted covariances over the sum of weights less 1.

        Whole weights give what repeated rows would.

        Raises:
            BadInputError: The weights of a set sum to 1 or less.
        """
        fake_mean, a = _centred(self.fake, fake_weights, "fake")
        real_mean, b = _centred(self.real, real_weights, "real")
        distance = np.square(fake_mean - real_mean).sum() + np.square(a).sum() + np.square(b).sum()
        distance -= 2.0 * _nuclear_norm(a, b)
        return float(max(distance, 0.0)) * self.scale * self.scale


def _centred(rows: Matrix, weights: Weights | None, name: str) -> tuple[Matrix, Matrix]:
    """Mean [f], and rows A [n, f] such that A^T A is the covariance; rows without weight go."""
    if weights is None:
        mean = rows.mean(axis=0)
        return mean, (rows - mean) / np.sqrt(len(rows) - 1)
    assert len(weights) == len(rows), name
    total = weights.sum()
    if total <= 1.0:
        raise BadInputError(
            f"the weights of the {name} features sum to {total:g}, a covariance needs more than 1; "
            f"draw at least two volumes"
        )
    used = weights > 0.0
    rows, weights = rows[used], weights[used]
    mean = weights @ rows / total
    return mean, (rows - mean) * np.sqrt(weights / (total - 1.0))[:, None]


def _nuclear_norm(a: Matrix, b: Matrix) -> float:
    """Sum of the singular values of A B^T, of rows [n, f] and [m, f]."""
    choices = product((False, True), (False, True))
    reduce_a, reduce_b = min(choices, key=lambda choice: _cost(a.shape, b.shape, choice))
    a = _triangle(a) if reduce_a else a
    b = _triangle(b) if reduce_b else b
    return float(np.linalg.svd(a @ b.T, compute_uv=False).sum())


def _cost(a: tuple[int, ...], b: tuple[int, ...], reduced: tuple[bool, bool]) -> float:
    """Rough operations of QR where chosen, of the product, and of the singular values."""
    width = a[1]
    operations, rows = 0.0, []
    for shape, reduce in zip((a, b), reduced, strict=True):
        operations += 2.0 * shape[0] * width**2 if reduce else 0.0
        rows.append(min(shape[0], width) if reduce else shape[0])
    # Half of the work of singular values is bound by memory: twice the textbook's 4 m n^2.
    return operations + 2.0 * rows[0] * rows[1] * width + 8.0 * max(rows) * min(rows) ** 2


def _triangle(rows: Matrix) -> Matrix:
    """R [min(n, f), f] with R^T R = A^T A, block by block."""
    width = rows.shape[1]
    triangle = np.empty((0, width))
    for block in row_blocks(len(rows), width):
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, rows[block]]), mode="r"))
    return triangle

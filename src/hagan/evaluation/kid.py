"""Kernel inception distance (Binkowski et al. 2018): squared MMD with a cubic polynomial kernel."""

from __future__ import annotations

import numpy as np

from hagan.evaluation.distances import check_features
from hagan.evaluation.measure import Matrix
from hagan.evaluation.mmd import Discrepancy


class KID(Discrepancy):
    """Unbiased squared MMD with the kernel (x.y / f + 1)^3, over the whole sets.

    Subsets, over which the value is often averaged, only add noise and are not used. The kernel
    depends on the origin and on the scale of features: standardise them by the real set where
    extractors are to be compared. Values are small and often printed times 1000.
    """

    def __init__(self, fake: Matrix, real: Matrix) -> None:
        """Take features [n, f] and [m, f].

        Raises:
            BadInputError: Fewer than two rows, rows that are not finite, or different widths.
        """
        check_features(fake=fake, real=real)
        super().__init__(
            np.asarray(fake, np.float64), np.asarray(real, np.float64), _cubic, unbiased=True
        )


def kid(fake: Matrix, real: Matrix) -> float:
    """Kernel inception distance of features [n, f] and [m, f]; see `KID`."""
    return KID(fake, real)()


def _cubic(a: Matrix, b: Matrix) -> Matrix:
    values = a @ b.T
    values /= a.shape[1]
    values += 1.0
    cubes = values * values
    cubes *= values
    return cubes

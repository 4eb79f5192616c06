"""Frechet distance of two sets of features, exact in float64 for any number of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frechet_distance(fake: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Squared 2-Wasserstein distance of the Gaussians with the sets' means and covariances.

    With centred features over root (n - 1) as A and B, tr (S1 S2)^(1/2) is the nuclear norm of
    A B^T. That needs no matrix square root, is real and never negative, and holds for n below the
    number of features. The distance is biased upwards by about c / n: compare only at equal n.

    Args:
        fake: Features [n, f].
        real: Features [m, f].

    Returns:
        The distance, at least 0.
    """
    means = [features.mean(axis=0) for features in (fake, real)]
    a, b = (
        (features - mean) / np.sqrt(max(len(features) - 1, 1))
        for features, mean in zip((fake, real), means, strict=True)
    )
    nuclear = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    distance = np.square(means[0] - means[1]).sum() + np.square(a).sum() + np.square(b).sum()
    return float(max(distance - 2.0 * nuclear, 0.0))

"""Sets of features drawn in a plane: a joint embedding, and an ellipse around each set."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hagan.errors import BadInputError
from hagan.evaluation.distances import check_features
from hagan.evaluation.measure import Matrix

MDS_LIMIT = 1000
"""Points in all up to which `embed` takes MDS: its work grows with their square."""

MDS_TOLERANCE = 0.0
"""Fall of the stress at which SMACOF ends: none, so that it makes all its iterations.

HA-GAN's figures were made with 1e-3 of scikit-learn 1.0, which hardly ever ended early. Since 1.7
another quantity is compared: there 1e-3 ends after some 20 iterations, with a fifth more stress.
"""

HA_GAN_ELLIPSE_POINTS = 300
"""What HA-GAN's figures divide by, whatever the number of points."""


@dataclass(frozen=True)
class Embedding:
    """Where each set's rows lie in the plane.

    Attributes:
        method: `mds` or `pca`.
        points: One [n, 2] a set, in the order given.
    """

    method: str
    points: list[Matrix]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse by its half axes.

    Attributes:
        centre: [2].
        half_axes: [2, 2], one a row, the longer first; lengths included.
    """

    centre: Matrix
    half_axes: Matrix

    def boundary(self, num_points: int = 1000) -> Matrix:
        """Points [num_points, 2] along it; the last is the first again."""
        angles = np.linspace(0.0, 2.0 * np.pi, num_points)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return np.asarray(self.centre + circle @ self.half_axes)


def embed(sets: Sequence[Matrix], seed: int = 0, limit: int = MDS_LIMIT) -> Embedding:
    """Draw sets of features [n, f] together: by MDS up to `limit` points, by PCA beyond."""
    if sum(len(rows) for rows in sets) <= limit:
        return Embedding("mds", mds(sets, seed))
    return Embedding("pca", pca_2d(sets))


def mds(sets: Sequence[Matrix], seed: int = 0) -> list[Matrix]:
    """Joint metric multidimensional scaling: distances in the plane follow those of features.

    SMACOF (de Leeuw 1977) on Euclidean distances: the best of 4 random starts, 300 iterations each.

    Args:
        sets: Features [n, f] each; rows of all sets are placed together.
        seed: Of the starts.

    Returns:
        Points [n, 2] of each set, centred as a whole.

    Raises:
        BadInputError: No rows, rows that are not finite, or different widths.
    """
    from sklearn.manifold import MDS

    rows = _pooled(sets)
    if not rows.any():
        return _split(np.zeros((len(rows), 2)), sets)
    known = inspect.signature(MDS).parameters
    # scikit-learn 1.8 renamed `metric` and `dissimilarity` and added a choice of starts.
    renamed = (
        {"metric_mds": True, "metric": "euclidean", "init": "random"}
        if "metric_mds" in known
        else {"metric": True, "dissimilarity": "euclidean"}
    )
    solver = MDS(
        n_components=2,
        n_init=4,
        max_iter=300,
        eps=MDS_TOLERANCE,
        n_jobs=1,
        random_state=seed,
        normalized_stress=False,
        **renamed,
    )
    points = np.asarray(solver.fit_transform(rows), np.float64)
    return _split(points - points.mean(axis=0), sets)


def pca_2d(sets: Sequence[Matrix]) -> list[Matrix]:
    """Project on the first two principal components of all sets together.

    Signs are fixed: each component's largest loading is positive. Features of a single column, or
    of rank one, get 0 as second coordinate.

    Args:
        sets: Features [n, f] each.

    Returns:
        Points [n, 2] of each set, centred as a whole.

    Raises:
        BadInputError: No rows, rows that are not finite, or different widths.
    """
    rows = _pooled(sets)
    # The smaller of both Gram matrices: thousands of rows meet thousands of features.
    wide = rows.shape[1] > len(rows)
    values, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    axes = (rows.T @ vectors[:, :-3:-1] if wide else vectors[:, :-3:-1]).T
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    kept = values[:-3:-1] > 1e-12 * values[-1]
    axes = axes / np.where(lengths > 0.0, lengths, 1.0) * kept[:, None]
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.where(axes[np.arange(len(axes)), largest] < 0.0, -1.0, 1.0)[:, None]
    points = np.zeros((len(rows), 2))
    points[:, : len(axes)] = rows @ axes.T
    return _split(points, sets)


def ellipse(points: Matrix, num_samples: int | None = None) -> Ellipse:
    """Least-squares ellipse of points [n, 2], as in HA-GAN's figures.

    Half axes are root (2 / N) times the singular values of the centred points, so root 2 standard
    deviations: points that lay on an ellipse would get that ellipse.

    Args:
        points: [n, 2].
        num_samples: N; all points unless given. `HA_GAN_ELLIPSE_POINTS` draws as the authors do,
            too large by root (n / 300).

    Raises:
        BadInputError: Fewer than two points, or points that are not finite.
    """
    check_features(embedded=points)
    assert points.shape[1] == 2
    centre = points.mean(axis=0)
    _, values, axes = np.linalg.svd(points - centre, full_matrices=False)
    scale = np.sqrt(2.0 / (num_samples or len(points)))
    return Ellipse(centre, scale * values[:, None] * axes)


def _pooled(sets: Sequence[Matrix]) -> Matrix:
    """All rows, centred."""
    if len(sets) == 0:
        raise BadInputError("no set of features to embed, expected at least one; give volumes")
    check_features(least=1, **{f"set {number}": rows for number, rows in enumerate(sets, 1)})
    rows = np.concatenate(sets)
    return np.asarray(rows - rows.mean(axis=0), np.float64)


def _split(points: Matrix, sets: Sequence[Matrix]) -> list[Matrix]:
    return np.split(points, np.cumsum([len(rows) for rows in sets])[:-1])

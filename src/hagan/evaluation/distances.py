"""Distances between rows of features, in blocks of bounded memory, and what every metric checks.

Squared distances come from one matrix product, |x|^2 + |y|^2 - 2 x.y in float64. Rows are centred
first, as the rounding error grows with the distance from the origin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hagan.errors import BadInputError
from hagan.evaluation.measure import Matrix, Weights

BLOCK_BYTES = 1 << 26
"""Most bytes of one block of pairwise values."""


def check_features(least: int = 2, **sets: Matrix) -> None:
    """Refuse sets of features that cannot be compared.

    Args:
        least: Fewest rows that the comparison is defined for.
        sets: Features [n, f] by what they are called in the message, such as `fake`.

    Raises:
        BadInputError: Too few rows, a row that is not finite, or sets of different width.
    """
    first, width = "", 0
    for name, rows in sets.items():
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise BadInputError(
                f"{name} features have shape {rows.shape}, expected [volumes, features]; "
                f"compute them again"
            )
        if len(rows) < least:
            number = "two" if least == 2 else str(least)
            raise BadInputError(
                f"{name} features hold {len(rows)} row(s), this comparison needs at least "
                f"{number}; give more volumes"
            )
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad) > 0:
            raise BadInputError(
                f"{name} features: row {bad[0]} holds NaN or infinity ({len(bad)} such row(s)), "
                f"expected finite numbers; leave these volumes out or mend them"
            )
        first, width = first or name, width or rows.shape[1]
        if rows.shape[1] != width:
            raise BadInputError(
                f"{name} features have {rows.shape[1]} columns and {first} features {width}, "
                f"expected the same; compute both with one extractor"
            )


def centred(*sets: Matrix) -> list[Matrix]:
    """The sets minus the mean of all their rows, in float64; no distance changes."""
    total = np.sum([rows.sum(axis=0, dtype=np.float64) for rows in sets], axis=0)
    mean = total / sum(len(rows) for rows in sets)
    return [np.asarray(rows, np.float64) - mean for rows in sets]


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of `rows` such that a float64 block of `columns` stays below `BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES // (8 * columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def squared_distances(a: Matrix, b: Matrix) -> Matrix:
    """Squared Euclidean distances [n, m] of rows [n, f] and [m, f], never negative."""
    squares = a @ b.T
    squares *= -2.0
    squares += np.einsum("ij,ij->i", a, a)[:, None]
    squares += np.einsum("ij,ij->i", b, b)[None, :]
    return np.maximum(squares, 0.0, out=squares)


def nearest_distances(rows: Matrix, others: Matrix | None = None) -> Matrix:
    """Distance [n] of each row to the nearest row of the others, or of its own set but itself.

    The neighbour is found by a matrix product and its distance taken from the difference, so a
    copy is at exactly 0.
    """
    first, second = (centred(rows) * 2) if others is None else centred(rows, others)
    distances = np.empty(len(first))
    for block in row_blocks(len(first), len(second)):
        squares = squared_distances(first[block], second)
        if others is None:
            squares[np.arange(len(squares)), np.arange(block.start, block.stop)] = np.inf
        chosen = second[squares.argmin(axis=1)]
        distances[block] = np.linalg.norm(first[block] - chosen, axis=1)
    return distances


def kth_squared_distances(rows: Matrix, k: int) -> Matrix:
    """Squared distance [n] of each row to its k-th nearest other row of the same set.

    Args:
        rows: Features [n, f], centred.
        k: From 1, below n.
    """
    assert 1 <= k < len(rows)
    squares = np.empty(len(rows))
    for block in row_blocks(len(rows), len(rows)):
        values = squared_distances(rows[block], rows)
        values[np.arange(len(values)), np.arange(block.start, block.stop)] = np.inf
        squares[block] = np.partition(values, k - 1, axis=1)[:, k - 1]
    return squares


def weighted_median(values: Matrix, weights: Weights | None = None) -> float:
    """Median of values [n], each counted as often as its weight says.

    For whole weights it is the median of the repeated values: of an even count, the mean of the
    two in the middle.
    """
    if weights is None:
        return float(np.median(values))
    assert len(weights) == len(values)
    order = np.argsort(values, kind="stable")
    counts = np.cumsum(weights[order])
    half = counts[-1] / 2.0
    assert half > 0.0
    lower = values[order[np.searchsorted(counts, half, side="left")]]
    upper = values[order[np.searchsorted(counts, half, side="right")]]
    return float((lower + upper) / 2.0)

"""Whether one variant of a recipe is better than another: a rule that is fixed before it is asked.

A difference counts where it is larger than two standard deviations over seeds and, in units of the
chance between halves of the real scans, at least 2. A gain in distance that is paid with copies,
with one volume over and over, with blur or with seams is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hagan.evaluation.frechet import frechet_distance

LIMITS: dict[str, tuple[float, float]] = {
    "memorised": (0.0, 0.10),
    "self_neighbour": (0.6, math.inf),
    "sharpness": (0.8, 1.25),
    "seam_gradient": (0.0, 1.2),
}
"""Between which values a sound generator lies, by metric."""

LEAST_COVERAGE_GAIN = 0.10
LEAST_DISTANCE_GAIN = 2.0
SPLITS = 20
"""Random halves of the real scans from which the chance of a distance is taken."""

Verdict = Literal["better", "worse", "as good"]


@dataclass(frozen=True)
class Standing:
    """What a variant reached, a value a seed.

    Attributes:
        distances: Frechet distances less the floor, in standard deviations of the floor.
        coverages: Shares of the real scans that have a generated neighbour.
        checks: Means over seeds of the metrics of `LIMITS`.
    """

    distances: Sequence[float]
    coverages: Sequence[float]
    checks: Mapping[str, float]

    @property
    def faults(self) -> tuple[str, ...]:
        """Metrics that are beyond their limits."""
        return tuple(
            name
            for name, (low, high) in LIMITS.items()
            if name in self.checks and not low <= self.checks[name] <= high
        )


def verdict(first: Standing, other: Standing) -> tuple[Verdict, str]:
    """How another variant stands against the first one, and why.

    Args:
        first: What is compared with.
        other: What is judged.
    """
    gain = float(np.mean(first.distances) - np.mean(other.distances))
    needed = max(LEAST_DISTANCE_GAIN, 2 * pooled_deviation(first.distances, other.distances))
    covers = float(np.mean(other.coverages) - np.mean(first.coverages))
    told = f"distance {-gain:+.1f}, {needed:.1f} counts; coverage {covers:+.2f}"
    new = [fault for fault in other.faults if fault not in first.faults]
    if gain > needed or covers >= LEAST_COVERAGE_GAIN:
        if new:
            return "as good", f"{told}; but {', '.join(new)} beyond the limits"
        return ("worse", told) if gain < -needed else ("better", told)
    if gain < -needed or covers <= -LEAST_COVERAGE_GAIN or new:
        return "worse", f"{told}; {', '.join(new)} beyond the limits" if new else told
    return "as good", told


def pooled_deviation(one: Sequence[float], other: Sequence[float]) -> float:
    """Standard deviation over seeds of two variants together; 0 where neither has two seeds."""
    squares, freedom = 0.0, 0
    for values in (one, other):
        squares += float(np.var(values)) * len(values)
        freedom += len(values) - 1
    return math.sqrt(squares / freedom) if freedom else 0.0


def floor_of(
    real: NDArray[np.float64], train: NDArray[np.float64], *, seed: int = 0
) -> tuple[float, float]:
    """Frechet distance of real scans to others, over random splits of all: mean and deviation.

    Args:
        real: Features [n, f] of the held-out scans.
        train: Features [m, f] of as many training scans as are judged.
        seed: Of the splits.
    """
    rng = np.random.default_rng(seed)
    together = np.concatenate([real, train])
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(len(together))
        one, other = together[order[: len(real)]], together[order[len(real) :]]
        found.append(frechet_distance(one, other[: len(real)]))
    return float(np.mean(found)), float(np.std(found, ddof=1))

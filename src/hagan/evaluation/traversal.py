"""Whether volumes have what they were asked for: asked values against measured ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Step:
    """One volume on a way through latent space."""

    start: str
    """Which code was moved."""
    asked: float
    """Value that the moved code is predicted to have."""
    measured: Mapping[str, float]
    """Sizes of the regions of the volume."""
    distance: float
    """Of the moved code from where it started, in standard deviations of the prior a dimension."""


@dataclass(frozen=True)
class Agreement:
    """How a measured quantity follows the asked one."""

    rank: float
    """Spearman's correlation over all volumes; NaN where one of them does not vary."""
    rank_within: float
    """Mean over starts of Spearman's correlation within each: what moving alone does."""
    monotone: float
    """Share of neighbouring steps of one start between which it moved the asked way."""
    slope: float
    """Mean over starts of the measured change for a change of 1 that was asked for."""
    error: float
    """Mean absolute difference of measured and asked."""
    bias: float
    """Mean of measured less asked."""


def agreement(steps: Sequence[Step], region: str) -> Agreement:
    """How far the volumes have what was asked for.

    Volumes whose region cannot be measured do not count.

    Args:
        steps: At least two values of each start.
        region: Which measured quantity was asked for.
    """
    known = [step for step in steps if np.isfinite(step.measured[region])]
    asked = np.array([step.asked for step in known], np.float64)
    found = np.array([step.measured[region] for step in known], np.float64)
    within: list[float] = []
    ups: list[float] = []
    slopes: list[float] = []
    for one in _ways(known):
        x = np.array([step.asked for step in one], np.float64)
        y = np.array([step.measured[region] for step in one], np.float64)
        if len(one) < 2 or np.ptp(x) == 0:
            continue
        within.append(spearman(x, y))
        ups += [float(rise > 0) for rise in np.diff(y)]
        slopes.append(float(np.polyfit(x, y, 1)[0]))
    return Agreement(
        rank=spearman(asked, found),
        rank_within=_mean(within),
        monotone=_mean(ups),
        slope=_mean(slopes),
        error=_mean(np.abs(found - asked)),
        bias=_mean(found - asked),
    )


def moved_with(steps: Sequence[Step], region: str, spreads: Mapping[str, float]) -> float:
    """How much a quantity changed from the lowest to the highest asked value, mean over starts.

    Args:
        steps: As for `agreement`.
        region: Which quantity.
        spreads: Standard deviation of each quantity over the real scans: the unit.
    """
    changes = []
    for one in _ways(steps):
        change = one[-1].measured[region] - one[0].measured[region]
        if np.isfinite(change) and spreads[region] > 0:
            changes.append(change / spreads[region])
    return _mean(changes)


def spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Rank correlation; NaN where one does not vary or there are fewer than two."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.spearmanr(x, y).statistic)


def _ways(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps by their start, in the order of what was asked."""
    starts = dict.fromkeys(step.start for step in steps)
    return [sorted((s for s in steps if s.start == name), key=lambda s: s.asked) for name in starts]


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    known = [float(value) for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")

"""Whether one method scores better than others over the folds of a cross-validation.

The paper's test is a two-sample, one-tailed t-test over five folds. Folds share training data, so
they are not independent, and no test here mends that: read p values as approximate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special, stats

from hagan.errors import BadInputError

Better = Literal["lower", "higher"]
"""Which way is better: lower for FID and MMD, higher for the Inception Score."""


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation (n - 1) over folds."""

    mean: float
    sd: float
    folds: int


@dataclass(frozen=True)
class TTest:
    """A one-tailed t-test whose alternative is that the first method is better.

    Attributes:
        t: Positive where the first method is better; NaN where the values do not vary.
        degrees: Degrees of freedom.
        p: Chance of such a `t` or a larger one if neither were better; NaN where the values do not
            vary: identical scores of all folds mean one model counted often, not certainty.
    """

    t: float
    degrees: float
    p: float


@dataclass(frozen=True)
class BaselineTest:
    """One method against one baseline.

    Attributes:
        baseline: What the baseline is called.
        ours: Over the folds of the method.
        theirs: Over the folds of the baseline.
        student: Equal variances, the plain test.
        welch: Unequal variances.
        paired: Over the differences of equal folds; none without the folds' values or where the
            numbers of folds differ.
        student_holm: p of `student` after Holm's correction for all baselines compared.
        welch_holm: p of `welch` after the same.
        paired_holm: p of `paired` after the same, none where there is no such test.
        cohens_d: Difference of means over the pooled sd, positive where the method is better; NaN
            where the values do not vary.
        hedges_g: The same without its bias in small samples.
    """

    baseline: str
    ours: Summary
    theirs: Summary
    student: TTest
    welch: TTest
    paired: TTest | None
    student_holm: float
    welch_holm: float
    paired_holm: float | None
    cohens_d: float
    hedges_g: float


def summarise(values: Sequence[float]) -> Summary:
    """Mean and sample standard deviation of one score a fold.

    Raises:
        BadInputError: Fewer than two folds, or a score that is not finite.
    """
    scores = np.asarray(values, np.float64)
    if len(scores) < 2:
        raise BadInputError(
            f"{len(scores)} fold(s) have a score, a test needs at least two; evaluate more folds"
        )
    if not np.isfinite(scores).all():
        raise BadInputError(
            f"fold {int(np.flatnonzero(~np.isfinite(scores))[0])} has no finite score, expected a "
            f"number; evaluate it again or leave it out"
        )
    spread = float(scores.std(ddof=1))
    # What is left of equal values is rounding.
    if spread <= 1e-12 * float(np.abs(scores).max()):
        spread = 0.0
    return Summary(float(scores.mean()), spread, len(scores))


def student(ours: Summary, theirs: Summary, better: Better) -> TTest:
    """Two-sample t-test with one variance for both."""
    degrees = ours.folds + theirs.folds - 2
    error = _pooled_sd(ours, theirs) * math.sqrt(1.0 / ours.folds + 1.0 / theirs.folds)
    return _test(_advantage(ours, theirs, better), error, degrees)


def welch(ours: Summary, theirs: Summary, better: Better) -> TTest:
    """Two-sample t-test with a variance each, degrees after Welch and Satterthwaite."""
    a, b = (s.sd**2 / s.folds for s in (ours, theirs))
    if a + b == 0.0:
        return _test(_advantage(ours, theirs, better), 0.0, ours.folds + theirs.folds - 2)
    degrees = (a + b) ** 2 / (a**2 / (ours.folds - 1) + b**2 / (theirs.folds - 1))
    return _test(_advantage(ours, theirs, better), math.sqrt(a + b), degrees)


def paired(ours: Sequence[float], theirs: Sequence[float], better: Better) -> TTest:
    """t-test of the differences between scores of the same fold.

    Raises:
        BadInputError: Fewer than two folds, different numbers of them, or a score that is not
            finite.
    """
    if len(ours) != len(theirs):
        raise BadInputError(
            f"a paired test needs both scores of each fold, got {len(ours)} and {len(theirs)}; "
            f"evaluate the missing folds or use Welch's test"
        )
    for values in (ours, theirs):
        summarise(values)
    scores = np.asarray([ours, theirs], np.float64)
    differences = summarise((scores[0] - scores[1]).tolist())
    spread = differences.sd
    if spread <= 1e-12 * float(np.abs(scores).max()):
        spread = 0.0
    advantage = -differences.mean if better == "lower" else differences.mean
    return _test(advantage, spread / math.sqrt(differences.folds), differences.folds - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Values of p corrected for their number, step by step (Holm 1979).

    Each may be compared with the level of the whole family. NaN stays and counts as no test.
    """
    values = np.asarray(p_values, np.float64)
    order = [int(i) for i in np.argsort(values) if not np.isnan(values[i])]
    corrected = np.full(len(values), np.nan)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, float(values[index]) * (len(order) - place)))
        corrected[index] = largest
    return [float(value) for value in corrected]


def cohens_d(ours: Summary, theirs: Summary, better: Better) -> float:
    """Difference of means over the pooled sd, positive where ours is better; NaN at sd 0."""
    spread = _pooled_sd(ours, theirs)
    return _advantage(ours, theirs, better) / spread if spread > 0.0 else math.nan


def hedges_g(ours: Summary, theirs: Summary, better: Better) -> float:
    """Cohen's d times the exact factor that removes its bias (Hedges 1981)."""
    half = (ours.folds + theirs.folds - 2) / 2.0
    factor = math.exp(special.gammaln(half) - special.gammaln(half - 0.5)) / math.sqrt(half)
    return cohens_d(ours, theirs, better) * factor


def against_baselines(
    ours: Sequence[float], baselines: Mapping[str, Sequence[float]], better: Better
) -> list[BaselineTest]:
    """Compare a method with every baseline, one score a fold in the same order.

    Raises:
        BadInputError: Fewer than two folds, or a score that is not finite.
    """
    mine = summarise(ours)
    summaries = {name: summarise(values) for name, values in baselines.items()}
    pairs = {
        name: paired(ours, values, better) if len(values) == len(ours) else None
        for name, values in baselines.items()
    }
    return _tests(mine, summaries, pairs, better)


def summaries_against_baselines(
    ours: Summary, baselines: Mapping[str, Summary], better: Better
) -> list[BaselineTest]:
    """Compare printed means and standard deviations, as of the paper's tables."""
    return _tests(ours, baselines, dict.fromkeys(baselines), better)


def _tests(
    ours: Summary,
    baselines: Mapping[str, Summary],
    pairs: Mapping[str, TTest | None],
    better: Better,
) -> list[BaselineTest]:
    students = {name: student(ours, theirs, better) for name, theirs in baselines.items()}
    welches = {name: welch(ours, theirs, better) for name, theirs in baselines.items()}
    made = {name: test for name, test in pairs.items() if test is not None}
    corrected = [
        dict(zip(tests, holm([test.p for test in tests.values()]), strict=True))
        for tests in (students, welches, made)
    ]
    return [
        BaselineTest(
            baseline=name,
            ours=ours,
            theirs=theirs,
            student=students[name],
            welch=welches[name],
            paired=pairs[name],
            student_holm=corrected[0][name],
            welch_holm=corrected[1][name],
            paired_holm=corrected[2].get(name),
            cohens_d=cohens_d(ours, theirs, better),
            hedges_g=hedges_g(ours, theirs, better),
        )
        for name, theirs in baselines.items()
    ]


def _advantage(ours: Summary, theirs: Summary, better: Better) -> float:
    difference = ours.mean - theirs.mean
    return -difference if better == "lower" else difference


def _pooled_sd(ours: Summary, theirs: Summary) -> float:
    squares = sum((s.folds - 1) * s.sd**2 for s in (ours, theirs))
    return math.sqrt(squares / (ours.folds + theirs.folds - 2))


def _test(advantage: float, error: float, degrees: float) -> TTest:
    if error == 0.0:
        return TTest(math.nan, float(degrees), math.nan)
    t = advantage / error
    return TTest(t, float(degrees), float(stats.t.sf(t, degrees)))

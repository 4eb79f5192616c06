"""The interval of a figure, as far as the sets allow one."""

from __future__ import annotations

from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.bootstrap import Interval, bootstrap
from hagan.evaluation.measure import Statistic
from hagan.evaluation.measuring import Measured

FEW_RESAMPLES = 20
MANY_ROWS = 1000
"""From here on a Frechet distance takes seconds, and a few resamples must do."""


def interval_of(
    statistic: Statistic, fake: Measured, real: Measured, config: EvaluationConfig
) -> Interval | None:
    """Resample subjects of both sets; None where none are asked for or a set shows but one."""
    if config.resamples == 0 or min(len(set(fake.subjects)), len(set(real.subjects))) < 2:
        return None
    many = max(len(fake), len(real)) >= MANY_ROWS
    return bootstrap(
        statistic,
        len(fake),
        len(real),
        resamples=min(config.resamples, FEW_RESAMPLES) if many else config.resamples,
        seed=config.seed,
        fake_subjects=fake.subjects,
        real_subjects=real.subjects,
    )

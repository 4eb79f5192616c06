"""How far a run is, how fast it learns there, and the seeds of its steps."""

from __future__ import annotations

import hashlib

from hagan.config.training import TrainingConfig
from hagan.models.schedule import half_cosine


def progress_of(training: TrainingConfig, step: int, seconds: float) -> float:
    """Share of a run that is done, from 0 to 1, by its steps or, where those end it, its minutes.

    Args:
        training: How long the run is.
        step: Steps that are done.
        seconds: What they took.
    """
    by_steps = step / training.steps
    by_time = 0.0 if training.minutes is None else seconds / (60.0 * training.minutes)
    return min(max(by_steps, by_time), 1.0)


def rate_share(training: TrainingConfig, step: int, progress: float) -> float:
    """Learning rates as a share of the configured ones: a ramp up, then a half cosine down.

    Args:
        training: Length of the ramp and what is left at the end.
        step: Steps that are done.
        progress: Share of the run that is done.
    """
    ramp = training.learning_rate_ramp
    rise = min((step + 1) / ramp, 1.0) if ramp else 1.0
    return rise * half_cosine(progress, training.learning_rate_end)


def step_seed(seed: int, step: int, roll_backs: int = 0) -> int:
    """Seed of one step's random numbers, a function of nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}/{step}/{roll_backs}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1

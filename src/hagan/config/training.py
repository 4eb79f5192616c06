"""How a model is trained and what a run is: frozen values, standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hagan.config.models import HAGANConfig, ModelConfig
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The loop: how long, how much at a time, what is kept."""

    steps: int = 80_000
    """Training steps; each gives every player its turn."""
    batch_size: int = 4
    """Volumes a step."""
    seed: int = 0
    """Seed of the initial weights and, with the step, of all randomness of that step."""
    mirror: bool = False
    """Flip half of the real volumes left to right: sound for brains, not for a thorax."""
    average_half_life: float | None = None
    """Half-life in images of the moving average of the published weights; none keeps the last."""
    average_ramp: float | None = 0.05
    """The half-life is at most this share of the images seen so far; none for no ramp."""
    learning_rate_ramp: int = 0
    """Steps over which the learning rates rise from 0."""
    save_every: int = 500
    """Steps between checkpoints."""
    keep: int = 2
    """Newest checkpoints that are kept."""
    preview_every: int = 500
    """Steps between preview pictures."""
    log_every: int = 10
    """Steps between lines of metrics.jsonl, each the mean since the last."""
    max_roll_backs: int = 3
    """How often training goes back to a checkpoint after a non-finite step before it ends."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Numbers of the forward passes; bf16 is slower on most CPUs."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "save_every", "keep", "preview_every", "log_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1")
        for name in ("seed", "learning_rate_ramp", "max_roll_backs"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative")
        for name in ("average_half_life", "average_ramp"):
            value = getattr(self, name)
            # Written so that NaN, which JSON can hold, is refused too.
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, or none")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A complete recipe: with a store, everything that a run needs."""

    name: str
    """The recipe's name."""
    model: ModelConfig = field(default_factory=HAGANConfig)
    """What is trained."""
    training: TrainingConfig = field(default_factory=TrainingConfig)
    """How."""
    fold: str | None = None
    """`i/n`: hold back the subjects of fold i of n; none trains on all."""

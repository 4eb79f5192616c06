"""How a model is trained and what a run is: frozen values, standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from hagan.config.codec import ADDED_LATER
from hagan.config.ha_gan import HAGANConfig
from hagan.config.models import ModelConfig
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The loop: how long, how much at a time, what is kept."""

    steps: int = 80_000
    """Training steps; each gives every player its turn."""
    minutes: float | None = field(default=None, metadata={ADDED_LATER: True})
    """Training ends before that once its steps have taken so many minutes; none for no such end.

    Saving, previews and interruptions do not count, nor on a CPU what a step waited for others.
    """
    scans: int | None = field(default=None, metadata={ADDED_LATER: True})
    """Train on so many of the scans alone, the first in an order of their subjects' hashed names;
    none takes all."""
    batch_size: int = 4
    """Volumes a step, over all processes."""
    accumulate: int = field(default=1, metadata={ADDED_LATER: True})
    """Micro-batches into which each process cuts its volumes of a step, against lack of memory.

    Means over volumes and their gradients stay those of the whole batch, to rounding. It doubles by
    itself where memory runs out.
    """
    seed: int = 0
    """Seed of the initial weights and, with the step, of all randomness of that step."""
    mirror: bool = False
    """Flip half of the real volumes left to right: sound for brains, not for a thorax."""
    average_half_life: float | None = None
    """Half-life in images of the moving average of the published weights; none keeps the last."""
    average_ramp: float | None = 0.05
    """The half-life is at most this share of the images seen so far; none for no ramp."""
    average_second: float | None = field(default=None, metadata={ADDED_LATER: True})
    """Half-life in images of a second moving average, kept beside the published weights as
    second.safetensors; its ramp is shorter in the same proportion. None keeps none."""
    learning_rate_ramp: int = 0
    """Steps over which the learning rates rise from 0."""
    learning_rate_end: float = field(default=1.0, metadata={ADDED_LATER: True})
    """Share of the learning rates which is left at the end of the run, by a half cosine."""
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
        whole = ("steps", "batch_size", "accumulate", "save_every", "keep")
        for name in (*whole, "preview_every", "log_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1")
        if self.accumulate > self.batch_size:
            raise UsageError(
                f"accumulate must be at most batch_size = {self.batch_size}: one volume at a time"
            )
        if self.scans is not None and self.scans < 1:
            raise UsageError("scans must be at least 1, or none")
        for name in ("seed", "learning_rate_ramp", "max_roll_backs"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative")
        for name in (
            *("minutes", "average_half_life", "average_ramp"),
            *("average_second", "learning_rate_end"),
        ):
            value = getattr(self, name)
            # Written so that NaN, which JSON can hold, is refused too.
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, or none")
        if self.average_second is not None and self.average_half_life is None:
            raise UsageError("average_second comes beside average_half_life")
        if self.learning_rate_end > 1:
            raise UsageError("learning_rate_end must be at most 1")


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

    def with_model(self, **changes: Any) -> RunConfig:
        """The recipe with other values of its model's settings.

        Raises:
            UsageError: The model has no such setting, or refuses the value.
        """
        model: Any = self.model
        names = {f.name for f in fields(model)}
        for name in changes:
            if name not in names:
                raise UsageError(f"{self.name}: its model has no setting {name}")
        return replace(self, model=replace(model, **changes))

"""Adam's settings, for every player of every model."""

from __future__ import annotations

from dataclasses import dataclass

from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class AdamConfig:
    """Adam for one player."""

    learning_rate: float = 1e-4
    """Step size."""
    beta1: float = 0.0
    """Decay of the first moment."""
    beta2: float = 0.999
    """Decay of the second moment."""
    epsilon: float = 1e-8
    """Added to the root of the second moment."""

    def __post_init__(self) -> None:
        # JSON and command lines give integers where torch insists on floats.
        for name in ("learning_rate", "beta1", "beta2", "epsilon"):
            object.__setattr__(self, name, float(getattr(self, name)))
        # Written so that NaN, which JSON can hold, is refused too.
        if not (self.learning_rate > 0 and self.epsilon > 0):
            raise UsageError("learning rate and epsilon must be above 0")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise UsageError("beta1 and beta2 must lie in [0, 1)")

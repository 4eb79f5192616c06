"""How much D's inputs are changed at random, and when that begins."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Random changes of real and generated volumes before D sees them (Karras et al. 2020, ADA).

    One draw a volume, the same for slab, low resolution and any other level: an in-plane affine map
    and a change of intensity, each of five with the present probability. With changes that do not
    leave the real distribution on average, D cannot learn single scans by heart and G is not taught
    them. It begins late: from the first step, at probability 0.3, it made short runs worse (Frechet
    distance 4.9 instead of 3.7 to 4.1 in a trial with other networks).
    """

    probability: float = 0.3
    """Of each change, at the end of the run; from 0 at `begin` by a half cosine. With `adapt_to`
    the largest that it may become."""
    begin: float = 0.4
    """Share of the run before which nothing is changed."""
    adapt_to: float | None = None
    """Mean sign of D's logits of real volumes at which the probability is held (0.6 in ADA), up
    where it is more and down where it is less; none for the fixed rise."""
    images: float = 100_000.0
    """With `adapt_to`, volumes over which the probability can rise by 1."""
    shift: float = 0.125
    """Largest shift, of the side."""
    scale: float = 0.06
    """Standard deviation of the logarithm of the scale."""
    turn: float = 8.0
    """Standard deviation of the turn within a slice, in degrees."""
    gain: float = 0.1
    """Standard deviation of the logarithm of the factor on intensities above the lowest."""
    curve: float = 0.1
    """Standard deviation of how much middle intensities rise beside both ends."""

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise UsageError("augment.probability must be above 0 and at most 1")
        if not 0 <= self.begin < 1:
            raise UsageError("augment.begin must be at least 0 and below 1")
        if self.adapt_to is not None and not -1 < self.adapt_to < 1:
            raise UsageError("augment.adapt_to must be between -1 and 1, or none")
        if not self.images > 0:
            raise UsageError("augment.images must be above 0")
        for name in ("shift", "scale", "turn", "gain", "curve"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"augment.{name} must not be negative")

    def probability_at(self, progress: float) -> float:
        """Probability of each change when so much of the run is done, without adapting."""
        if progress < self.begin:
            return 0.0
        done = (progress - self.begin) / (1.0 - self.begin)
        return self.probability * 0.5 * (1.0 - math.cos(math.pi * done))

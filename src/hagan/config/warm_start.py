"""How G learns to rebuild the training volumes from fixed codes before and beside the game."""

from __future__ import annotations

from dataclasses import dataclass, field

from hagan.config.codec import ADDED_LATER
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class WarmStartConfig:
    """Codes of the training volumes that no network learns, and when G rebuilds from them.

    A code's first entries are the whitened scores of the volume's principal components at low
    resolution, so that over the training set they have the moments of N(0, I); the others are
    drawn. G then knows every training volume from the start, which few scans alone do not teach it
    (generative latent optimisation, Bojanowski et al. 2018, with codes that are given).
    """

    components: int = 24
    """Principal components, at most: entries of the code for which there are none, as training
    volumes are too few, are drawn."""
    noise: float = 0.1
    """Standard deviation of what is added to the scores, so that no code is a volume's alone."""
    share: float = 0.1
    """Share of the run in which G rebuilds and D rests."""
    weight: float = 2.0
    """Weight of the reconstruction beside the game."""
    until: float = 0.6
    """Share of the run at which that weight has fallen to 0, in a straight line."""
    code_weight: float = field(default=0.0, metadata={ADDED_LATER: True})
    """Weight that draws what E^G encodes to the scores of a volume's fixed code. G has learned to
    rebuild from those, and an encoder that seldom has a turn does not find them alone."""

    def __post_init__(self) -> None:
        if self.components < 1:
            raise UsageError("warm_start.components must be at least 1")
        for name in ("noise", "weight", "code_weight"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"warm_start.{name} must not be negative")
        if not 0 <= self.share <= self.until <= 1:
            raise UsageError("warm_start takes 0 <= share <= until <= 1")

    def weight_at(self, progress: float) -> float:
        """Weight of the reconstruction when so much of the run is done; 1 while D rests."""
        if progress < self.share:
            return 1.0
        if progress >= self.until:
            return 0.0
        return self.weight * (self.until - progress) / (self.until - self.share)

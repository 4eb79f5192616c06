"""What the Gaussian without a network is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hagan.config.grid import Shape3, three_axes
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class GaussianConfig:
    """A normal distribution on the leading principal components of the training volumes."""

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; any will do."""
    latent_dim: int = 104
    """Principal components. Fewer are in use until more volumes than these were seen."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        if min(self.volume_shape) < 1:
            raise UsageError(f"volume shape {self.volume_shape}: each axis must be at least 1")
        if self.latent_dim < 1:
            raise UsageError("latent_dim must be at least 1")

"""What WGAN-GP in 3D is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class WGANConfig:
    """WGAN with gradient penalty (Gulrajani et al. 2017), in the 3D form of Kwon et al. 2019."""

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 1000
    """Entries of the latent code."""
    width: int = 64
    """Channels of G before its last doubling; a critic ends with 8 times as many."""
    stem: Literal["linear", "transposed"] = "linear"
    """How G makes its base grid: a linear layer, or a transposed convolution."""
    critic_norm: Literal["batch", "group", "instance", "none"] = "batch"
    """Normalisation in the critic. With `batch` a score depends on the other volumes, which the
    penalty's derivation excludes."""
    critic_head: Literal["whole", "strided", "slices"] = "strided"
    """How the critic ends: one convolution of its last grid, a strided one whose outputs are
    averaged, or one that scores each slice."""
    penalty_weight: float = 10.0
    """Lambda of the gradient penalty."""
    penalty_of: Literal["volume", "voxel"] = "volume"
    """Whose gradient has a slope of 1: each volume's, or each voxel's as in Kwon's notebook."""
    critic_repeats: int = 1
    """Turns of the critic in a step."""
    generator_repeats: int = 1
    """Turns of G in a step."""
    adam_generator: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=1e-4))
    """Adam of G."""
    adam_critic: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=1e-4))
    """Adam of the critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        doublings = doublings_of(self.volume_shape)
        if self.critic_head == "slices" and doublings < 2:
            raise UsageError("critic_head slices needs a side of at least 16")
        if self.latent_dim < 1 or self.width < 1:
            raise UsageError("latent_dim and width must be at least 1")
        if self.critic_repeats < 1 or self.generator_repeats < 1:
            raise UsageError("critic_repeats and generator_repeats must be at least 1")
        if not self.penalty_weight >= 0:
            raise UsageError("penalty_weight must not be negative")

"""What VAE-GAN in 3D is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, base_of, three_axes
from hagan.errors import UsageError

NOT_NEGATIVE = ("divergence_weight", "encoder_weight", "generator_weight")


def _adam() -> AdamConfig:
    return AdamConfig(learning_rate=1e-4, beta1=0.9, beta2=0.999)


@dataclass(frozen=True, kw_only=True)
class VAEGANConfig:
    """VAE-GAN (Larsen et al. 2016) in the 3D form of Kwon et al. 2019."""

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 1000
    """Entries of the latent code."""
    width: int = 64
    """Channels of G before its last doubling; critic and encoder end with 8 times as many."""
    head_width: int = 32
    """Channels of the encoder's heads for each of `width`: 32 times 64 are the authors' 2048."""
    deeper: bool = False
    """Whether G and the encoder have a level more, down to half the base grid, and G's convolutions
    a bias, as the networks of side 128 have."""
    critic_norm: Literal["batch", "group", "instance", "none"] = "batch"
    """Normalisation in critic and encoder."""
    reconstruction: Literal["voxel", "feature"] = "voxel"
    """Where rebuilt and real volumes are compared: in voxels as Kwon's notebook does, or in the
    critic's last features as Larsen et al. do."""
    saturating: bool = True
    """Whether G minimises minus the critic's loss, which saturates, or the form that does not."""
    divergence_weight: float = 1.0
    """Weight of the divergence from the prior, a mean over entries, in the encoder's loss."""
    encoder_weight: float = 10.0
    """Weight of the squared difference of rebuilt and real in the encoder's loss."""
    generator_weight: float = 20.0
    """Weight of the squared difference of rebuilt and real in G's loss."""
    adam_generator: AdamConfig = field(default_factory=_adam)
    """Adam of G."""
    adam_encoder: AdamConfig = field(default_factory=_adam)
    """Adam of the encoder."""
    adam_critic: AdamConfig = field(default_factory=_adam)
    """Adam of the critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        base = base_of(self.volume_shape)
        if self.deeper and any(size % 2 for size in base):
            raise UsageError(f"deeper halves the base grid {base} once more, which has an odd axis")
        if min(self.latent_dim, self.width, self.head_width) < 1:
            raise UsageError("latent_dim, width and head_width must be at least 1")
        for name in NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must not be negative")

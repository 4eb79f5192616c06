"""What 3D StyleGAN 2 is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError


def _adam() -> AdamConfig:
    return AdamConfig(learning_rate=2e-3, beta1=0.0, beta2=0.99)


@dataclass(frozen=True, kw_only=True)
class StyleGANConfig:
    """StyleGAN 2 (Karras et al. 2020) in the 3D form of Hong et al. 2021.

    A mapping takes latents z to styles w, which modulate the convolutions that double a learned
    grid up to the volume; the discriminator is residual.
    """

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 128
    """Entries of z, which is brought to a mean square of 1, and of w."""
    width: int = 64
    """Channels of every level, in G and in the discriminator."""
    mapping_layers: int = 8
    """Dense layers from z to w."""
    mapping_rate: float = 0.01
    """Learning rate of the mapping, over that of the other layers of G."""
    filter_taps: tuple[int, ...] = (1, 3, 3, 1)
    """Of the low-pass filter along each axis at every doubling and halving, up to a factor. Only an
    even number of them doubles a constant to a constant."""
    mixing_probability: float = 0.9
    """How often a fake's later layers take the style of another latent, in training."""
    style_decay: float = 0.995
    """Of the moving average of w, towards which truncation goes."""
    deviation_group: int = 4
    """Volumes over which the discriminator sees a standard deviation; 0 for none."""
    r1_gamma: float = 10.0
    """Gamma of R1: half of it times the squared slope of the logits of reals, summed over voxels.
    """
    r1_every: int = 16
    """Steps from one R1 to the next, each counted so many times; 1 is not lazy."""
    path_weight: float = 2.0
    """Weight of the path length's penalty."""
    path_decay: float = 0.01
    """Share of a turn's path lengths in their running mean."""
    path_every: int = 8
    """Steps from one path length to the next, each counted so many times; 1 is not lazy."""
    adam_generator: AdamConfig = field(default_factory=_adam)
    """Adam of G."""
    adam_discriminator: AdamConfig = field(default_factory=_adam)
    """Adam of the discriminator."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        doublings_of(self.volume_shape)
        object.__setattr__(self, "filter_taps", tuple(int(tap) for tap in self.filter_taps))
        if len(self.filter_taps) < 2 or sum(self.filter_taps) <= 0:
            raise UsageError("filter_taps must be at least two numbers with a sum above 0")
        for name in ("latent_dim", "width", "mapping_layers", "r1_every", "path_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1")
        if self.deviation_group < 0 or self.deviation_group == 1:
            raise UsageError("deviation_group must be at least 2, or 0 for none")
        # Written so that NaN, which JSON can hold, is refused too.
        if not self.mapping_rate > 0:
            raise UsageError("mapping_rate must be above 0")
        if not (self.r1_gamma >= 0 and self.path_weight >= 0):
            raise UsageError("r1_gamma and path_weight must not be negative")
        for name in ("mixing_probability", "style_decay", "path_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie in [0, 1]")

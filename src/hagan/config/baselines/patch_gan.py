"""What the multi-scale patch GAN is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class PatchGANConfig:
    """Multi-scale patch GAN (Uzunova et al. 2019) without sketches: low volume, then patches."""

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; halved down to scale 0, a base of 3 to 7 times a power of two."""
    latent_dim: int = 1024
    """Entries of the latent code of scale 0; the first of them also choose the later noise."""
    width: int = 64
    """Channels of the first layer of each network of patches, and of scale 0 as for WGAN."""
    largest_low: int = 64
    """Most voxels along an axis of scale 0, at which a whole volume is made."""
    patch: int = 32
    """Side of a patch, 16 or 32 voxels; its low-resolution context is as wide, twice as far."""
    inner: int = 20
    """Side of the part of a patch that is kept."""
    stride: int = 20
    """Voxels from one patch to the next; below `inner`, neighbours overlap and are averaged."""
    blocks: int = 6
    """Residual blocks of a generator of patches."""
    generator_norm: Literal["instance", "rms"] = "instance"
    """Normalisation in the generators of patches. With `instance` a voxel depends on the whole of
    its patch, so that neighbouring patches differ in brightness."""
    critic_norm: Literal["batch", "group", "instance", "none"] = "batch"
    """Normalisation in all critics."""
    critic_rest: float | None = 0.8
    """Share of right answers in a batch above which a critic is not trained; none for always."""
    rebuilt_weight: float = 10.0
    """Weight of the absolute difference between a patch and the real one of its context."""
    low_noise: float = 0.01
    """Deviation of the noise on low-resolution patches in training, which are real there."""
    patches: int = 1
    """Patches of each volume and scale in a step."""
    adam_generator: AdamConfig = field(
        default_factory=lambda: AdamConfig(learning_rate=2e-4, beta1=0.5)
    )
    """Adam of each generator."""
    adam_critic: AdamConfig = field(
        default_factory=lambda: AdamConfig(learning_rate=2e-4, beta1=0.5)
    )
    """Adam of each critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        if self.latent_dim < 1 or self.width < 1 or self.patches < 1 or self.blocks < 1:
            raise UsageError("latent_dim, width, patches and blocks must be at least 1")
        if self.largest_low < 4:
            raise UsageError("largest_low must be at least 4")
        doublings_of(self.volume_shape, reduction=2**self.num_scales)
        if self.patch not in (16, 32):
            raise UsageError(f"patch must be 16 or 32, not {self.patch}")
        first = [2 * size for size in self.low_shape]
        if min(first) < self.patch:
            raise UsageError(
                f"patch {self.patch} does not fit into scale 1 of {first} voxels; take a patch of "
                "16, a larger largest_low or a larger side"
            )
        if not 0 < self.inner <= self.patch or (self.patch - self.inner) % 2:
            raise UsageError(f"inner must be an even number of voxels of {self.patch}")
        if not 0 < self.stride <= self.inner or self.stride % 2:
            raise UsageError(f"stride must be even and at most inner = {self.inner}")
        if self.critic_rest is not None and not 0 < self.critic_rest <= 1:
            raise UsageError("critic_rest must lie in (0, 1], or none")
        if not (self.rebuilt_weight >= 0 and self.low_noise >= 0):
            raise UsageError("rebuilt_weight and low_noise must not be negative")

    @property
    def num_scales(self) -> int:
        """Scales after the first, each twice as fine: the fewest, at least one."""
        scales = 1
        while max(self.volume_shape) > self.largest_low * 2**scales:
            scales += 1
        return scales

    @property
    def low_shape(self) -> Shape3:
        """Voxels of scale 0 along d, h, w."""
        depth, height, width = (size // 2**self.num_scales for size in self.volume_shape)
        return depth, height, width

"""What alpha-GAN in 3D is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError

NOT_NEGATIVE = (
    "reconstruction_weight",
    "penalty_weight",
    "class_weight_critic",
    "class_weight_generator",
)


def _adam() -> AdamConfig:
    return AdamConfig(learning_rate=2e-4, beta1=0.9, beta2=0.999)


@dataclass(frozen=True, kw_only=True)
class AlphaGANConfig:
    """Auto-encoding GAN (Rosca et al. 2017) in the 3D form of Kwon et al. 2019."""

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 1000
    """Entries of the latent code."""
    width: int = 64
    """Channels of G before its last doubling; critic and encoder end with 8 times as many."""
    num_classes: int = 0
    """Classes of the conditional form: their label enters G, and the critic names the class."""
    loss: Literal["wasserstein", "cross-entropy"] = "wasserstein"
    """`wasserstein`: scores with gradient penalty, which the paper compares with. `cross-entropy`:
    the form of the method's own paper."""
    critic_norm: Literal["batch", "group", "instance", "none"] = "batch"
    """Normalisation in critic and encoder; a penalty's derivation excludes `batch`."""
    code_width: int = 64
    """Channels of the code's critic for each of `width`: 64 times 64 are Kwon's 4096."""
    code_norm: bool = True
    """Whether batch normalisation is in the code's critic."""
    reconstruction_weight: float = 10.0
    """Weight of the absolute difference of rebuilt and real volumes."""
    penalty_weight: float = 10.0
    """Weight of each gradient penalty; only for `wasserstein`."""
    critic_repeats: int = 1
    """Turns of the critic, and of the code's, in a step."""
    class_weight_critic: float = 1.0
    """Weight of the class loss of reals for the critic."""
    class_weight_generator: float = 0.1
    """Weight of the class loss of fakes for G."""
    adam_generator: AdamConfig = field(default_factory=_adam)
    """Adam of G and the encoder, which move together."""
    adam_critic: AdamConfig = field(default_factory=_adam)
    """Adam of the critic."""
    adam_code: AdamConfig = field(default_factory=_adam)
    """Adam of the code's critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        doublings_of(self.volume_shape)
        if min(self.latent_dim, self.width, self.code_width, self.critic_repeats) < 1:
            raise UsageError("latent_dim, width, code_width and critic_repeats must be at least 1")
        if self.num_classes == 1 or self.num_classes < 0:
            raise UsageError("num_classes is 0 (unconditional) or at least 2")
        for name in NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must not be negative")

"""What CCE-GAN in 3D is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError

NOT_NEGATIVE = (
    "reconstruction_weight",
    "cycle_weight",
    "transport_weight",
    "penalty_weight",
)


def _adam() -> AdamConfig:
    return AdamConfig(learning_rate=2e-4, beta1=0.9, beta2=0.999)


@dataclass(frozen=True, kw_only=True)
class CCEGANConfig:
    """CCE-GAN (Xing et al. 2021): alpha-GAN with cycles of codes for its code critic."""

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 1000
    """Entries of the latent code."""
    width: int = 64
    """Channels of G before its last doubling; critic and encoder end with 8 times as many."""
    critic_norm: Literal["batch", "group", "instance", "none"] = "batch"
    """Normalisation in critic and encoder; a penalty's derivation excludes `batch`."""
    reconstruction_weight: float = 100.0
    """Weight of the absolute difference of rebuilt and real volumes."""
    cycle_weight: float = 50.0
    """Weight of each cycle: a volume's code and its rebuilt one's, a code and its volume's."""
    transport_weight: float = 100.0
    """Weight of the transport between drawn and encoded codes."""
    transport_epsilon: float = 0.1
    """Weight of the entropy in the transport."""
    transport_iterations: int = 100
    """Sinkhorn iterations at most."""
    transport_of: Literal["entries", "codes"] = "entries"
    """What is moved: the entries of the codes, each a point with a coordinate a volume, as in the
    authors' notebooks, or the codes themselves."""
    transport_unrolled: bool = True
    """Whether gradients pass through the iterations, or the plan counts as fixed."""
    penalty_weight: float = 10.0
    """Weight of each gradient penalty."""
    critic_repeats: int = 3
    """Turns of the critic in a step."""
    adam_generator: AdamConfig = field(default_factory=_adam)
    """Adam of G and the encoder where they move together."""
    adam_encoder: AdamConfig = field(default_factory=_adam)
    """Adam of the encoder's own turn."""
    adam_critic: AdamConfig = field(default_factory=_adam)
    """Adam of the critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        doublings_of(self.volume_shape)
        if min(self.latent_dim, self.width, self.critic_repeats, self.transport_iterations) < 1:
            raise UsageError(
                "latent_dim, width, critic_repeats and transport_iterations must be at least 1"
            )
        if not self.transport_epsilon > 0:
            raise UsageError("transport_epsilon must be above 0")
        for name in NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must not be negative")

"""What Progressive GAN in 3D is made of, and how its schedule follows from the step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hagan.config.adam import AdamConfig
from hagan.config.grid import Shape3, doublings_of, three_axes
from hagan.errors import UsageError


@dataclass(frozen=True)
class Stage:
    """Where in the schedule a step is."""

    level: int
    """How often the grid that is trained doubles the base grid."""
    fade: float = 1.0
    """Weight of that level against the one before: in (0, 1) while it fades in, then 1."""


@dataclass(frozen=True, kw_only=True)
class ProgressiveGANConfig:
    """Progressive GAN (Karras et al. 2018) with 3D operations.

    Level 0 is the base grid of the volume's shape, 4 x 4 x 4 for cubes of a power of two, and each
    level doubles the one before; the last is the volume.
    """

    num_classes: ClassVar[int] = 0

    volume_shape: Shape3 = (64, 64, 64)
    """Voxels along d, h, w; each a base of 3 to 7 times the same power of two."""
    latent_dim: int = 512
    """Entries of the latent code, which G brings to a mean square of 1."""
    width: int = 256
    """Most channels of a level in G."""
    channels_times_side: int = 2048
    """A level has this many channels over its side, where these are fewer than the most; whatever
    the base grid, the side counts as 4 at level 0."""
    critic_widening: int = 1
    """Most channels of a level in the critic, over those in G."""
    layout: Literal["karras", "strided"] = "karras"
    """`karras`: convolutions of 3, two of them a level in both networks. `strided`: convolutions of
    4, in the critic one a level with stride 2, and both networks end at half the base grid."""
    equalised: bool = True
    """Whether weights are drawn from N(0, 1) and scaled in use, so that Adam moves all alike."""
    deviation_group: int = 4
    """Volumes over which the critic sees a standard deviation; 0 for none."""
    output: Literal["linear", "tanh"] = "linear"
    """How G ends. What is linear is clamped to [-1, 1] for use, and judged as it is."""
    first_level: int = 0
    """Level at which training begins."""
    fade_steps: tuple[int, ...] = (1000,)
    """Steps over which a level fades in, from the first one that does: `first_level`, or level 1,
    as level 0 has nothing before it. Levels beyond the last entry take the last one."""
    stable_steps: tuple[int, ...] = (1000,)
    """Steps at a level after its fade, from `first_level` on, likewise; the last level stays."""
    penalty_weight: float = 10.0
    """Lambda of the gradient penalty."""
    drift_weight: float = 0.001
    """Weight of the squared scores of reals, which keep scores near 0."""
    adam_generator: AdamConfig = field(
        default_factory=lambda: AdamConfig(learning_rate=1e-3, beta1=0.0, beta2=0.99)
    )
    """Adam of G."""
    adam_critic: AdamConfig = field(
        default_factory=lambda: AdamConfig(learning_rate=1e-3, beta1=0.0, beta2=0.99)
    )
    """Adam of the critic."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        last = doublings_of(self.volume_shape)
        for name in ("fade_steps", "stable_steps"):
            steps = tuple(int(count) for count in getattr(self, name))
            object.__setattr__(self, name, steps)
            if not steps or min(steps) < 0:
                raise UsageError(f"{name} must have at least one entry, and none below 0")
        if not 0 <= self.first_level <= last:
            raise UsageError(f"first_level must be from 0 to {last}, the level of the volume")
        for name in ("latent_dim", "width", "channels_times_side", "critic_widening"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1")
        if self.deviation_group < 0 or self.deviation_group == 1:
            raise UsageError("deviation_group must be at least 2, or 0 for none")
        # Written so that NaN, which JSON can hold, is refused too.
        if not (self.penalty_weight >= 0 and self.drift_weight >= 0):
            raise UsageError("penalty_weight and drift_weight must not be negative")

    @property
    def last_level(self) -> int:
        """Level of the whole volume."""
        return doublings_of(self.volume_shape)

    def fade_of(self, level: int) -> int:
        """Steps over which a trained level fades in."""
        first = max(self.first_level, 1)
        return 0 if level < first else _entry(self.fade_steps, level - first)

    def stage_at(self, step: int) -> Stage:
        """The stage of a step, counted from 0: a function of the step alone.

        In a fade of n steps the weights are 1 / (n + 1) to n / (n + 1), so that both levels count
        in each of them.
        """
        for level in range(self.first_level, self.last_level + 1):
            fade = self.fade_of(level)
            if step < fade:
                return Stage(level, (step + 1) / (fade + 1))
            step -= fade
            stable = _entry(self.stable_steps, level - self.first_level)
            if step < stable:
                return Stage(level)
            step -= stable
        return Stage(self.last_level)

    def starts_at(self, level: int) -> int:
        """The first step of a trained level, its fade included."""
        return sum(
            self.fade_of(before) + _entry(self.stable_steps, before - self.first_level)
            for before in range(self.first_level, level)
        )


def _entry(steps: tuple[int, ...], number: int) -> int:
    """An entry; the last one for all that are beyond."""
    return steps[min(number, len(steps) - 1)]

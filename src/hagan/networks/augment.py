"""Random changes of volumes that treat every level of a subject alike.

In-plane maps alone: a slab has no neighbours along depth to move in, and a random r shifts along
depth already. Depth is folded into channels, so that one two-dimensional sampling does a volume.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.config.augment import AugmentConfig
from hagan.types import Rows, SlabsOfEach

NUM_CHANGES = 5
"""Shift, scale, turn, gain, curve."""

NUM_DRAWS = NUM_CHANGES + 6
"""Numbers of a volume: whether for each change, and how much; a shift has two."""

BILINEAR, ZEROS = 0, 0
"""How torch counts ways to interpolate and to pad."""


class Augment(nn.Module):
    """Changes what D sees from a share of the run on, with a probability that rises or adapts."""

    probability: Tensor

    def __init__(self, config: AugmentConfig) -> None:
        super().__init__()
        self.config = config
        if config.adapt_to is not None:
            self.register_buffer("probability", torch.zeros(()))

    def begins(self, progress: float) -> bool:
        """Whether the run is so far that anything is changed."""
        return progress >= self.config.begin

    def forward(self, volumes: SlabsOfEach, draws: Rows, progress: float) -> SlabsOfEach:
        """Volumes [b * k, 1, d, h, w], those of a row of draws [b, 11] changed alike."""
        fixed = self.config.adapt_to is None
        probability = self.config.probability_at(progress) if fixed else self.probability
        return augmented(volumes, draws, probability, self.config)

    @torch.no_grad()
    def adapt(self, signs: Float[Tensor, " b"]) -> None:
        """Move the probability by the signs of D's logits of a batch of real volumes (ADA, 3.1)."""
        assert self.config.adapt_to is not None, "a fixed rise does not adapt"
        beyond = signs.mean() - self.config.adapt_to
        step = len(signs) / self.config.images
        self.probability.add_(step * beyond.sign().to(self.probability))
        self.probability.clamp_(0.0, self.config.probability)


def new_draws(count: int) -> Rows:
    """What a batch's changes are made of [count, 11]: uniform numbers, then normal ones."""
    uniform = torch.rand(count, NUM_CHANGES + 2)
    return torch.cat((uniform, torch.randn(count, NUM_DRAWS - NUM_CHANGES - 2)), dim=1)


def augmented(
    volumes: SlabsOfEach, draws: Rows, probability: float | Tensor, config: AugmentConfig
) -> SlabsOfEach:
    """Volumes [b * k, 1, d, h, w] in [-1, 1], k of each subject one after another, changed.

    Args:
        volumes: Whole ones, slabs, or shrunk ones; a subject's draws do the same to each.
        draws: As `new_draws` makes them, a row a subject.
        probability: Of each change.
        config: How large changes are.
    """
    # A map in bf16 would be off by voxels.
    exact = torch.promote_types(volumes.dtype, torch.float32)
    rows = draws.repeat_interleave(len(volumes) // len(draws), dim=0).to(volumes.device, exact)
    happens = (rows[:, :NUM_CHANGES] < probability).to(rows)
    aside, down = (2.0 * rows[:, NUM_CHANGES : NUM_CHANGES + 2] - 1.0).unbind(dim=1)
    scale, turn, gain, curve = rows[:, NUM_CHANGES + 2 :].unbind(dim=1)
    grid = _grid(
        aside=2.0 * config.shift * happens[:, 0] * aside,
        down=2.0 * config.shift * happens[:, 0] * down,
        scale=torch.exp(config.scale * happens[:, 1] * scale),
        turn=torch.deg2rad(config.turn * happens[:, 2] * turn),
        size=(volumes.shape[-2], volumes.shape[-1]),
    )
    # From 0, so that what comes in from outside is air.
    planes = 0.5 * (volumes[:, 0].to(exact) + 1.0)
    moved = sampled(planes, grid.to(planes))
    factor = torch.exp(config.gain * happens[:, 3] * gain).view(-1, 1, 1, 1).to(planes)
    bend = (config.curve * happens[:, 4] * curve).view(-1, 1, 1, 1).to(planes)
    # A parabola, not a power: its slope at 0 is finite, as penalties on gradients need.
    changed = factor * moved * (1.0 + bend * (1.0 - moved))
    return (2.0 * changed - 1.0)[:, None].to(volumes)


def _grid(
    *, aside: Tensor, down: Tensor, scale: Tensor, turn: Tensor, size: tuple[int, int]
) -> Float[Tensor, "b h w 2"]:
    """Where each pixel comes from, from -1 to 1 over the outer edges of the plane.

    Edges and not centres, so that levels of other resolutions of one plane see the same map.
    """
    height, width = size
    cos, sin = torch.cos(turn) / scale, torch.sin(turn) / scale
    # The edges of a plane that is not square are unlike in length; a turn knows voxels.
    ratio = height / width
    theta = torch.stack(
        (
            torch.stack((cos, sin * ratio, aside), dim=1),
            torch.stack((-sin / ratio, cos, down), dim=1),
        ),
        dim=1,
    )
    return torch.nn.functional.affine_grid(
        theta, [len(theta), 1, height, width], align_corners=False
    )


def sampled(
    planes: Float[Tensor, "b c h w"], grid: Float[Tensor, "b h w 2"]
) -> Float[Tensor, "b c h w"]:
    """Bilinear samples with zeros outside, as `grid_sample` gives, with gradients of gradients.

    Torch has none for `grid_sample`, and R1 through a change needs them. Samples are linear in the
    planes, so that the gradient's gradient is the sampling again. The grid gets no gradient.
    """
    moved: Tensor = _Sampled.apply(planes, grid.detach())  # type: ignore[no-untyped-call]
    return moved


class _Sampled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, planes: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.size = planes.shape
        return torch.nn.functional.grid_sample(planes, grid, align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (grid,) = ctx.saved_tensors
        spread: Tensor = _Spread.apply(gradient, grid, ctx.size)  # type: ignore[no-untyped-call]
        return spread, None


class _Spread(torch.autograd.Function):
    """The transpose of sampling."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, size: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        # Of the planes it reads nothing but their size where their gradient alone is asked for.
        planes = gradient.new_empty(1).expand(size)
        spread: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            gradient, planes, grid, BILINEAR, ZEROS, False, (True, False)
        )[0]
        return spread

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (grid,) = ctx.saved_tensors
        moved: Tensor = _Sampled.apply(gradient, grid)  # type: ignore[no-untyped-call]
        return moved, None, None

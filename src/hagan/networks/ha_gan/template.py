"""A learned volume that G adds to what it makes: the anatomy that all volumes share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.types import LowVolumes, Volumes

MOST_VOXELS = 64
"""Along the longest axis of the grid: means of many subjects are smooth, so that more would hold
noise and, at 512, half a gigabyte."""

NEAREST_TO_ONE = 0.998
"""Volumes are held so far within [-1, 1], as nothing is learned where tanh is flat."""


def before_tanh(volumes: Volumes) -> Volumes:
    """What tanh makes volumes in [-1, 1] of, as far as it can."""
    return torch.atanh(volumes.clamp(-NEAREST_TO_ONE, NEAREST_TO_ONE))


def stretched(grids: LowVolumes, step: int, start: int, count: int) -> Volumes:
    """So many planes [b, 1, count, h, w] of grids that are stretched `step` times.

    Linear between the middles of the grid's voxels, and along depth plane by plane: what lies
    beside the planes asked for does not enter, so that parts are those of the whole, bit for bit.

    Args:
        grids: Of whole volumes, [b, 1, d, h, w].
        step: Planes of the volume to one of the grid.
        start: The first plane, counted in the volume.
        count: From there on.
    """
    if step == 1:
        return grids[:, :, start : start + count]
    planes = _between(grids, 2, step, start, count)
    for axis in (3, 4):
        planes = _between(planes, axis, step, 0, step * grids.shape[axis])
    return planes


def _between(grids: Tensor, axis: int, step: int, start: int, count: int) -> Tensor:
    """Places from `start` on along one axis, each from the two voxels between whose middles it is.

    Products and sums apart, as fused ones round by how torch cuts the work.
    """
    last = grids.shape[axis] - 1
    at = (torch.arange(start, start + count, device=grids.device) + 0.5) / step - 0.5
    at = at.clamp(0, last)
    below = at.floor().long()
    above = (below + 1).clamp(max=last)
    share = (at - below).to(grids.dtype).view(-1, *(1,) * (grids.ndim - 1 - axis))
    near, far = grids.index_select(axis, below), grids.index_select(axis, above)
    if torch.is_grad_enabled():
        return near * (1.0 - share) + far * share
    # Both are copies, and at full size they are what a slab in use holds most of.
    return near.mul_(1.0 - share).add_(far.mul_(share))


class Template(nn.Module):
    """What is added before tanh, place by place, on a grid that is stretched to the volume.

    It begins as the mean of the training volumes, so that convolutions of few channels learn how
    volumes differ and not what is the same in all of them. A slab's part is that of the whole, bit
    for bit.
    """

    grid: nn.Parameter

    def __init__(self, shape: tuple[int, int, int]) -> None:
        """Make an empty one.

        Args:
            shape: Of the volumes it is added to.
        """
        super().__init__()
        self.step = 1
        while max(shape) // self.step > MOST_VOXELS:
            self.step *= 2
        self.grid = nn.Parameter(torch.zeros(1, 1, *(size // self.step for size in shape)))

    @property
    def is_empty(self) -> bool:
        """Whether no mean was ever put in."""
        return not bool(self.grid.detach().any())

    def shrink(self, volumes: Volumes) -> LowVolumes:
        """Volumes on the grid, each voxel the mean of those it stands for."""
        return functional.avg_pool3d(volumes, self.step)

    @torch.no_grad()
    def begin(self, mean: LowVolumes) -> None:
        """Become a mean of volumes that `shrink` gave, [1, 1, d, h, w] in [-1, 1]."""
        self.grid.copy_(before_tanh(mean))

    def forward(self, volumes: Volumes, start: int = 0) -> Volumes:
        """Add to what G made of the planes from `start` on, [b, 1, d, h, w] before tanh."""
        return volumes + self.planes(start, volumes.shape[2])

    def planes(self, start: int, count: int) -> Volumes:
        """So many planes from `start` on, [1, 1, count, h, w]."""
        return stretched(self.grid, self.step, start, count)

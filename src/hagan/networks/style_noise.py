"""Noise for the layers of StyleGAN 2: one number a voxel, fixed for use and random in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from hagan.types import Rows


def fixed_noises(grids: Sequence[Sequence[int]], like: Tensor) -> Iterator[Tensor]:
    """The same noise [1, 1, *grid] on all devices, for every volume, one for each grid."""
    for number, grid in enumerate(grids):
        generator = torch.Generator().manual_seed(number)
        yield torch.randn(1, 1, *grid, generator=generator).to(like)


def seeded_noises(grids: Sequence[Sequence[int]], seeds: Rows, like: Tensor) -> Iterator[Tensor]:
    """Noise [b, 1, *grid] for each grid; that of a volume is a function of its seed alone.

    Args:
        grids: One after another.
        seeds: A whole number [b, 1] for each volume, on the CPU.
        like: Of its type and device the noise is, drawn there.
    """
    device = like.device
    generators = [torch.Generator(device).manual_seed(int(seed)) for seed in seeds[:, 0]]
    for grid in grids:
        noises = [
            torch.randn(1, *grid, generator=g, device=device, dtype=like.dtype) for g in generators
        ]
        yield torch.stack(noises)

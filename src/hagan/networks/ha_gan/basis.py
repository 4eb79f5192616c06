"""A stem of few weights: one learned grid whose channels the latent code scales (R3GAN)."""

from __future__ import annotations

import torch
from torch import nn

from hagan.types import FeatureMaps, Latents


class Basis(nn.Module):
    """Latent codes to a base grid: a learned grid, each channel times a number from the code.

    A linear layer to every voxel of the paper's 512 x 4 x 4 x 4 grid holds 33.6 million weights of
    1024 latents; this holds 32,768 and a linear layer to 512 (Huang et al. 2024).
    """

    def __init__(self, inputs: int, channels: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.grid = nn.Parameter(torch.randn(channels, *shape))
        self.scale = nn.Linear(inputs, channels)

    def forward(self, code: Latents) -> FeatureMaps:
        """Features [b, channels, d, h, w] of codes [b, z]."""
        features: FeatureMaps = self.scale(code)[:, :, None, None, None] * self.grid
        return features

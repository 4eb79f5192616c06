"""Networks of Uzunova et al. 2019 for patches: a residual generator and a critic of pairs."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.networks.blocks import LEAK, Norm, NormAct, make_norm
from hagan.types import FeatureMaps, LowVolumes

SURROUNDINGS = 2
"""Channels that say what the scale before has: the patch itself, and a field twice as wide."""


class PatchGenerator(nn.Module):
    """Surroundings and noise to a patch: halved twice, residual blocks, doubled twice."""

    def __init__(self, *, width: int, blocks: int, norm: Norm) -> None:
        """Make the layers.

        Args:
            width: Channels at full resolution; twice and four times as many at the coarser ones.
            blocks: Residual blocks at a quarter of the resolution.
            norm: After every layer but the last.
        """
        super().__init__()
        w1, w2, w4 = width, 2 * width, 4 * width
        self.down = nn.Sequential(
            nn.Conv3d(SURROUNDINGS + 1, w1, 3, padding=1, bias=False),
            NormAct(norm, w1),
            nn.Conv3d(w1, w2, 4, 2, 1, bias=False),
            NormAct(norm, w2),
            nn.Conv3d(w2, w4, 4, 2, 1, bias=False),
            NormAct(norm, w4),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(w4, norm) for _ in range(blocks)))
        self.up = nn.Sequential(
            nn.ConvTranspose3d(w4, w2, 4, 2, 1, bias=False),
            NormAct(norm, w2),
            nn.ConvTranspose3d(w2, w1, 4, 2, 1, bias=False),
            NormAct(norm, w1),
        )
        self.last = nn.Conv3d(w1, 1, 7, padding=3)

    def forward(self, surroundings: FeatureMaps, noise: LowVolumes) -> LowVolumes:
        """Patches [b, 1, s, s, s] in [-1, 1] of surroundings [b, 2, s, s, s] and noise."""
        features = self.down(torch.cat([surroundings, noise], dim=1))
        return torch.tanh(self.last(self.up(self.blocks(features))))


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(channels, channels, 3, padding=1, bias=False),
            NormAct(norm, channels),
            nn.Conv3d(channels, channels, 3, padding=1, bias=False),
            make_norm(norm, channels),
        )

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features to features of the same shape."""
        changed: FeatureMaps = features + self.layers(features)
        return changed


class PatchCritic(nn.Module):
    """A patch and its surroundings to one score: convolutions of 4 down to a single voxel."""

    def __init__(self, *, side: int, width: int, norm: Norm) -> None:
        """Make the layers: one with stride 1, then ones with stride 2; none is padded.

        Args:
            side: Of a patch; one that ends at a single voxel, such as 16 or 32.
            width: Channels of the first layer, doubled by each but the last.
            norm: After every layer but the first and the last.
        """
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv3d(SURROUNDINGS + 1, width, 4),
            nn.LeakyReLU(LEAK, inplace=True),
        ]
        left, channels = side - 3, width
        while (left - 4) // 2 + 1 > 1:
            has_norm = norm != "none"
            # What a bias adds before a normalisation is taken away again.
            layers.append(nn.Conv3d(channels, 2 * channels, 4, 2, bias=not has_norm))
            channels, left = 2 * channels, (left - 4) // 2 + 1
            if has_norm:
                layers.append(make_norm(norm, channels))
            layers.append(nn.LeakyReLU(LEAK, inplace=True))
        assert left >= 4, f"a patch of {side} does not end at a single voxel"
        layers.append(nn.Conv3d(channels, 1, 4, 2))
        self.layers = nn.Sequential(*layers)

    def forward(self, surroundings: FeatureMaps, patches: LowVolumes) -> Float[Tensor, " b"]:
        """One score a patch [b, 1, s, s, s]; it has no bounds."""
        scores: Tensor = self.layers(torch.cat([surroundings, patches], dim=1))
        return scores.flatten()

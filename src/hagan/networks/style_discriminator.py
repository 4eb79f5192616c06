"""StyleGAN 2's residual discriminator (Karras et al. 2020, section 4.1) with 3D operations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.blocks import LEAK
from hagan.networks.equalised import SameConv, Scaled, prepared
from hagan.networks.resample import down_convolved
from hagan.networks.style import GAIN
from hagan.types import FeatureMaps, Logits, Rows, Volumes


def rectified(features: Tensor) -> Tensor:
    """A leaky rectifier with its gain; the argument is overwritten."""
    return functional.leaky_relu_(GAIN * features, LEAK)


class ResidualBlock(nn.Module):
    """Features on half the grid: two convolutions, and a short way past them."""

    def __init__(self, width: int, filter_taps: Sequence[int]) -> None:
        super().__init__()
        self.taps = tuple(filter_taps)
        self.first = prepared(nn.Conv3d(width, width, 3, padding=1), equalised=True, gain=1.0)
        self.second = prepared(nn.Conv3d(width, width, 3), equalised=True, gain=1.0)
        self.skip = nn.Conv3d(width, width, 1, bias=False)
        nn.init.normal_(self.skip.weight)
        nn.utils.parametrize.register_parametrization(self.skip, "weight", Scaled(1 / sqrt(width)))

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Features [b, c, d / 2, h / 2, w / 2] of features [b, c, d, h, w]."""
        skipped = down_convolved(features, self.skip.weight, None, self.taps)
        mapped = rectified(self.first(features))
        mapped = down_convolved(mapped, self.second.weight, self.second.bias, self.taps)
        return (rectified(mapped) + skipped) / sqrt(2.0)


class StyleDiscriminator(nn.Module):
    """Volumes to logits, in two parts, between which a batch can be joined."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        doublings: int,
        width: int,
        filter_taps: Sequence[int],
        deviation: bool,
    ) -> None:
        """Make the layers.

        Args:
            base_shape: Grid at which the head reads.
            doublings: From there to the volume.
            width: Channels of all layers.
            filter_taps: Of the filter at a halving.
            deviation: Whether the head takes a number of each volume as a further channel.
        """
        super().__init__()
        self.from_volume = prepared(nn.Conv3d(1, width, 1), equalised=True, gain=1.0)
        self.blocks = nn.Sequential(*(ResidualBlock(width, filter_taps) for _ in range(doublings)))
        self.last = prepared(SameConv(width + deviation, width, 3), equalised=True, gain=1.0)
        dense = nn.Linear(width * prod(base_shape), width)
        self.dense = prepared(dense, equalised=True, gain=1.0)
        self.logit = prepared(nn.Linear(width, 1), equalised=True, gain=1.0)

    def features(self, volumes: Volumes) -> FeatureMaps:
        """Features [b, c, ...] of the base grid, each volume's by itself."""
        features: FeatureMaps = self.blocks(rectified(self.from_volume(volumes)))
        return features

    def logits(self, features: FeatureMaps, deviation: Rows | None = None) -> Logits:
        """Logits [b] of what `features` gave and the numbers [b, 1] of each volume."""
        if deviation is not None:
            number = deviation[:, :, None, None, None].to(features)
            features = torch.cat((features, number.expand(-1, -1, *features.shape[2:])), dim=1)
        features = rectified(self.last(features))
        rows = rectified(self.dense(features.flatten(1)))
        logits: Logits = self.logit(rows)[:, 0]
        return logits

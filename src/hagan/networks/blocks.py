"""Convolution blocks and normalisations that the networks share."""

from __future__ import annotations

from math import gcd
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from hagan.types import FeatureMaps

Norm = Literal["group", "rms"]

NUM_GROUPS = 8
LEAK = 0.2


class ChannelRMSNorm(nn.Module):
    """Root-mean-square normalisation over the channels of each voxel, with gain and bias.

    Nothing but the voxel itself enters, so a slab is normalised as in the whole volume.
    """

    def __init__(self, channels: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.epsilon = epsilon

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise features [b, c, d, h, w]."""
        scale = torch.rsqrt(features.square().mean(dim=1, keepdim=True) + self.epsilon)
        gain = self.weight.view(1, -1, 1, 1, 1)
        return torch.addcmul(self.bias.view(1, -1, 1, 1, 1), features * scale, gain)


def make_norm(norm: Norm, channels: int) -> nn.Module:
    """Normalisation by name; narrow networks take fewer than 8 groups."""
    if norm == "rms":
        return ChannelRMSNorm(channels)
    return nn.GroupNorm(gcd(NUM_GROUPS, channels), channels)


class NormAct(nn.Module):
    """Normalisation followed by a rectifier, in place."""

    def __init__(self, norm: Norm, channels: int) -> None:
        super().__init__()
        self.norm = make_norm(norm, channels)

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise and rectify features [b, c, d, h, w]."""
        return torch.relu_(self.norm(features))


class ConvBlock(nn.Module):
    """Convolution, normalisation, rectifier."""

    def __init__(
        self, inputs: int, outputs: int, *, norm: Norm, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding=1)
        self.act = NormAct(norm, outputs)

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features [b, inputs, d, h, w] to [b, outputs, d', h', w']."""
        mapped: FeatureMaps = self.act(self.conv(features))
        return mapped


class SpectralNorm(nn.Module):
    """Weight divided by its largest singular value, found by one power iteration a forward pass.

    The iteration starts from the stored left vector, which training mode moves on. torch's own
    parametrization keeps both vectors and does not iterate in evaluation mode, so it gives other
    numbers than the released checkpoints need (Miyato et al. 2018 leaves both open).
    """

    u: Tensor

    def __init__(self, weight: Tensor, epsilon: float = 1e-12) -> None:
        super().__init__()
        self.register_buffer("u", torch.randn(1, weight.shape[0]))
        self.epsilon = epsilon

    def forward(self, weight: Tensor) -> Tensor:
        """Normalise a weight [out, ...]."""
        matrix = weight.flatten(1)
        with torch.no_grad():
            v = functional.normalize(self.u @ matrix, eps=self.epsilon)
            u = functional.normalize(v @ matrix.t(), eps=self.epsilon)
            if self.training:
                self.u.copy_(u)
        sigma = (v @ matrix.t() @ u.t()).squeeze()
        return weight / sigma


def spectral_norm(layer: nn.Module, enabled: bool = True) -> nn.Module:
    """Put the layer's weight under spectral normalisation, or return the layer as it is."""
    if enabled:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))
    return layer

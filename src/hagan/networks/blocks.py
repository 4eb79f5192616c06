"""Convolution blocks and normalisations that the networks share."""

from __future__ import annotations

from math import gcd
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from hagan.networks.batch_norm import BatchNorm
from hagan.networks.group_statistics import KnownGroups, moments
from hagan.types import FeatureMaps

Norm = Literal["group", "rms", "channel", "none", "batch", "instance"]
"""`batch`, `instance` and `group` take the statistics of all voxels, `batch` over the whole batch
while it trains and remembered ones in use; the others look at one voxel at a time."""

NUM_GROUPS = 8
LEAK = 0.2
EPSILON = 1e-6

SLICES = 2
"""That are normalised at once where no gradient is kept: few enough to stay in a cache."""


class ChannelNorm(nn.Module):
    """Normalisation over the channels of each voxel, with gain and bias.

    Nothing but the voxel itself enters, so a slab is normalised as in the whole volume. Either by
    the root of the mean square alone (Zhang and Sennrich 2019), or centred first (Ba et al. 2016).
    """

    def __init__(self, channels: int, *, centred: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.centred = centred

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise features [b, c, d, h, w]."""
        if self.centred:
            features = features - features.mean(dim=1, keepdim=True)
        gain, bias = (p.view(1, -1, 1, 1, 1) for p in (self.weight, self.bias))
        return torch.addcmul(bias, features * _scale(features), gain)

    @torch.no_grad()
    def rectified(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise by the mean square and rectify in place, a few slices at a time."""
        gain, bias = (p.view(1, -1, 1, 1, 1) for p in (self.weight, self.bias))
        for part in torch.split(features, SLICES, dim=2):
            part.mul_(_scale(part.to(gain.dtype))).mul_(gain).add_(bias).relu_()
        return features


def _scale(features: FeatureMaps) -> FeatureMaps:
    """What the channels of each voxel are multiplied with: [b, 1, d, h, w]."""
    return torch.rsqrt(features.square().mean(dim=1, keepdim=True) + EPSILON)


def make_norm(norm: Norm, channels: int) -> nn.Module:
    """Normalisation by name; narrow networks take fewer than 8 groups."""
    if norm == "group":
        return nn.GroupNorm(gcd(NUM_GROUPS, channels), channels)
    if norm == "batch":
        return BatchNorm(channels)
    if norm == "instance":
        return nn.InstanceNorm3d(channels, affine=True)
    return nn.Identity() if norm == "none" else ChannelNorm(channels, centred=norm == "channel")


class NormAct(nn.Module):
    """Normalisation followed by a rectifier."""

    def __init__(self, norm: Norm, channels: int) -> None:
        super().__init__()
        self.norm = make_norm(norm, channels)
        self.plain = False
        """Whether to compute as written, with every step kept for the gradient."""

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise and rectify features [b, c, d, h, w]; they may be overwritten."""
        if self.plain:
            return torch.relu(self.norm(features))
        kept = torch.is_grad_enabled()
        if isinstance(self.norm, nn.GroupNorm) and not kept and features.device.type == "cpu":
            # Elsewhere joining statistics in float64 would wait for the device.
            return KnownGroups(self.norm, moments(features, self.norm.num_groups))(features)
        if isinstance(self.norm, ChannelNorm) and not self.norm.centred:
            if not kept:
                return self.norm.rectified(features)
            made: FeatureMaps = _RMSNormAct.apply(features, self.norm.weight, self.norm.bias)  # type: ignore[no-untyped-call]
            return made
        return torch.relu_(self.norm(features))


class _RMSNormAct(torch.autograd.Function):
    """ChannelNorm by the mean square and the rectifier, which keep their input and output alone.

    As written five tensors of the size of the features would be kept. The output is what the next
    convolution keeps anyway. Under autocast it has the type of the features; sums are in float32.
    """

    @staticmethod
    def forward(context: Any, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        exact = features.to(weight.dtype)
        gain, shift = (p.view(1, -1, 1, 1, 1) for p in (weight, bias))
        made = torch.mul(exact, _scale(exact)).mul_(gain).add_(shift).relu_().to(features.dtype)
        context.save_for_backward(features, weight, made)
        return made

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, weight, made = context.saved_tensors
        exact = features.to(weight.dtype)
        # Made again from the features, so that gradients of gradients reach them.
        scale = _scale(exact)
        normalised = exact * scale
        passed = gradient.to(weight.dtype) * (made > 0)
        of_bias = passed.sum(dim=(0, 2, 3, 4))
        of_weight = (passed * normalised).sum(dim=(0, 2, 3, 4))
        of_normalised = passed * weight.view(1, -1, 1, 1, 1)
        along = (of_normalised * normalised).mean(dim=1, keepdim=True)
        of_features = (of_normalised - normalised * along) * scale
        return of_features.to(features.dtype), of_weight, of_bias


def fastest_layout(features: FeatureMaps) -> FeatureMaps:
    """Features with channels last in memory on a CPU, whose convolutions are a third faster so."""
    if features.device.type != "cpu":
        return features
    return features.contiguous(memory_format=torch.channels_last_3d)


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
        normalised: Tensor = _OverSigma.apply(weight, u, v)  # type: ignore[no-untyped-call]
        return normalised


class _OverSigma(torch.autograd.Function):
    """Weight W over sigma = u W v, with the gradient's formula in two passes over the weight.

    As Miyato et al. 2018 give it, with singular vectors that count as constants: for N = W / sigma
    and a gradient G it is (G - <G, N> u v) / sigma.
    """

    @staticmethod
    def forward(context: Any, weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
        sigma = v @ weight.flatten(1).t() @ u.t()
        normalised = weight / sigma.squeeze()
        context.save_for_backward(normalised, sigma, u, v)
        return normalised

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        normalised, sigma, u, v = context.saved_tensors
        along = (gradient * normalised).sum()
        matrix = torch.addmm(gradient.flatten(1), -along * u.t(), v)
        return (matrix / sigma).view_as(gradient), None, None


def spectral_norm(layer: nn.Module, enabled: bool = True) -> nn.Module:
    """Put the layer's weight under spectral normalisation, or return the layer as it is."""
    if enabled:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))
    return layer

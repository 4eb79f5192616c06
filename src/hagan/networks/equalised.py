"""Layers of Progressive GAN: equalised learning rate, pixel normalisation, padding to one size.

Karras et al. 2018, sections 4.1 and 4.2.
"""

from __future__ import annotations

from math import sqrt
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

LayerT = TypeVar("LayerT", bound=nn.Linear | nn.Conv3d)

EPSILON = 1e-8

RECTIFIED = sqrt(2.0)
"""Gain of weights before a rectifier (He et al. 2015)."""


def pixel_norm(features: Tensor) -> Tensor:
    """Divide the channels of each voxel, or the entries of each code, by their root mean square."""
    return features * torch.rsqrt(features.square().mean(dim=1, keepdim=True) + EPSILON)


class Scaled(nn.Module):
    """A weight times a constant: the equalised learning rate."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        """The weight for use."""
        return weight * self.scale


def prepared(layer: LayerT, *, equalised: bool, gain: float = RECTIFIED) -> LayerT:
    """Give a layer its initial weights and a bias of 0; returns it.

    Args:
        layer: With a bias.
        equalised: Draw from N(0, 1) and scale by the gain over the root of the inputs in use; Adam,
            whose moves have one size, then moves the weights of all layers in proportion alike.
            Otherwise draw uniformly as Glorot and Bengio 2010 do.
        gain: Of the equalised weights.
    """
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    if equalised:
        nn.init.normal_(layer.weight)
        scale = gain / sqrt(layer.weight[0].numel())
        parametrize.register_parametrization(layer, "weight", Scaled(scale))
    else:
        nn.init.xavier_uniform_(layer.weight)
    return layer


class SameConv(nn.Conv3d):
    """A convolution of 1, 3 or 4 whose output has the size of its input over the stride.

    Where the padding is odd, the far end gets more of it.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Map features [b, inputs, d, h, w] to [b, outputs, d / stride, h / stride, w / stride]."""
        pads: list[int] = []
        for size, kernel, stride in zip(
            features.shape[2:], self.kernel_size, self.stride, strict=True
        ):
            total = (-(-size // stride) - 1) * stride + kernel - size
            pads = [total // 2, total - total // 2, *pads]
        near, far = pads[::2], pads[1::2]
        if near == far:
            padding = near[::-1]
        else:
            features, padding = functional.pad(features, pads), [0, 0, 0]
        return functional.conv3d(features, self.weight, self.bias, self.stride, padding)

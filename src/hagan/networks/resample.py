"""Doubling and halving of feature maps through a low-pass filter (Zhang 2019, Karras et al. 2020).

A filter of a few taps works along each axis in turn. It is written as a product with a banded
matrix, which also skips and pads: products of matrices are fast everywhere, keep nothing for the
gradient, and have gradients of gradients.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hagan.types import FeatureMaps


def band(
    taps: Sequence[int], size: int, *, near: int, far: int, stride: int, like: Tensor
) -> Float[Tensor, "m n"]:
    """The matrix that pads a row with zeros, filters it with taps of sum 1, and keeps every nth.

    Args:
        taps: Up to a factor.
        size: Of the row.
        near: Zeros before it.
        far: Zeros after it.
        stride: Of what is kept.
        like: Of its type and device the matrix is.
    """
    outputs = (size + near + far - len(taps)) // stride + 1
    numbers = torch.tensor(list(reversed(taps)), dtype=like.dtype, device=like.device)
    rows = torch.arange(outputs, device=like.device)[:, None] * stride - near
    offsets = torch.arange(size, device=like.device)[None] - rows
    within = (offsets >= 0) & (offsets < len(taps))
    return numbers[offsets.clamp(0, len(taps) - 1)] * within / sum(taps)


def filtered(
    features: FeatureMaps,
    taps: Sequence[int],
    *,
    near: int,
    far: int,
    stride: int = 1,
    gain: float = 1.0,
) -> FeatureMaps:
    """Features [b, c, d, h, w] through the filter along d, h and w.

    Args:
        features: What is filtered.
        taps: Along each axis, up to a factor; a constant keeps its value but for the gain.
        near: Zeros before each axis.
        far: Zeros after it.
        stride: Along each axis.
        gain: Of the whole: 8 where the features are a doubled grid with one voxel in eight filled.
    """
    batch, channels, *sizes = features.shape
    root = gain ** (1 / 3)
    bands = {
        size: root * band(taps, size, near=near, far=far, stride=stride, like=features)
        for size in set(sizes)
    }
    depth, height, width = (bands[size] for size in sizes)
    rows = torch.matmul(features, width.t())
    rows = torch.matmul(height, rows)
    rows = torch.matmul(depth, rows.flatten(3).flatten(0, 1))
    return rows.view(batch, channels, len(depth), len(height), len(width))


def up_convolved(features: FeatureMaps, weight: Tensor, taps: Sequence[int]) -> FeatureMaps:
    """Features on twice the grid: zeros between, a convolution, then the filter with gain 8.

    Args:
        features: [b, inputs, d, h, w].
        weight: [outputs, inputs, k, k, k] with an odd k.
        taps: Of the filter.
    """
    kernel = weight.flip(2, 3, 4).transpose(0, 1)
    grown = functional.conv_transpose3d(features, kernel, stride=2)
    spare = len(taps) - 2 - (weight.shape[-1] - 1)
    near, far = (spare + 1) // 2 + 1, spare // 2 + 1
    # Gain 8 in 3D: of eight voxels one is not zero.
    return filtered(grown, taps, near=near, far=far, gain=8.0)


def down_convolved(
    features: FeatureMaps, weight: Tensor, bias: Tensor | None, taps: Sequence[int]
) -> FeatureMaps:
    """Features on half the grid: the filter, then a convolution with stride 2.

    Args:
        features: [b, inputs, d, h, w] of even sizes.
        weight: [outputs, inputs, k, k, k] with an odd k.
        bias: [outputs].
        taps: Of the filter.
    """
    kernel = weight.shape[-1]
    spare = len(taps) - 2 + (kernel - 1)
    near, far = (spare + 1) // 2, spare // 2
    if kernel == 1:
        smaller = filtered(features, taps, near=near, far=far, stride=2)
        return functional.conv3d(smaller, weight, bias)
    smooth = filtered(features, taps, near=near, far=far)
    return functional.conv3d(smooth, weight, bias, stride=2)

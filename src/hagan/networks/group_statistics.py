"""Normalisation by groups in two parts, statistics and their use, so that slabs can share them.

Statistics are taken over two slices at a time and joined in float64: no rounding depends on how a
volume is cut, and single precision loses nothing on large volumes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hagan.types import FeatureMaps

SLICES = 2
"""Over which one statistic is taken, whatever the slab."""


def moments(features: FeatureMaps, num_groups: int) -> Tensor:
    """Statistics of groups over each two slices, the last of which may be one.

    Returns:
        Mean, biased variance and number of slices: float64 [3, parts, b, groups], on the CPU, as
        not every device knows float64.
    """
    means, variances, counts = [], [], []
    for part in torch.split(features, SLICES, dim=2):
        rows = part.reshape(len(features), num_groups, -1)
        # In two passes through a cache: torch.var_mean goes once, but number by number.
        mean = rows.mean(dim=2, keepdim=True)
        variances.append((rows - mean).square_().mean(dim=2))
        means.append(mean[..., 0])
        counts.append(torch.full_like(means[-1], part.shape[2]))
    stacked = [torch.stack(values) for values in (means, variances, counts)]
    return torch.stack(stacked).cpu().double()


class KnownGroups:
    """Normalisation by groups with statistics that are known, and the rectifier, in place."""

    def __init__(self, norm: nn.GroupNorm, parts: Tensor) -> None:
        """Take the statistics of the whole from those of its parts.

        Args:
            norm: Gives gain, bias, groups and epsilon.
            parts: As `moments` gives them, of all parts.
        """
        means, variances, counts = parts
        shares = counts / counts.sum(dim=0)
        mean = (shares * means).sum(dim=0)
        variance = (shares * (variances + (means - mean).square())).sum(dim=0)
        channels = norm.num_channels // norm.num_groups
        weight, bias = norm.weight.detach(), norm.bias.detach()
        per_channel = (variance + norm.eps).rsqrt().repeat_interleave(channels, dim=1)
        scale = per_channel * weight.cpu().double()
        shift = bias.cpu().double() - mean.repeat_interleave(channels, dim=1) * scale
        self.scale = scale[:, :, None, None, None].to(weight.dtype).to(weight.device)
        self.shift = shift[:, :, None, None, None].to(weight.dtype).to(weight.device)

    def __call__(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise and rectify features [b, c, d, h, w]; they are overwritten."""
        for part in torch.split(features, SLICES, dim=2):
            part.mul_(self.scale).add_(self.shift).relu_()
        return features

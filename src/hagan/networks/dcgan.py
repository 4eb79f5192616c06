"""Convolutional generators and critics in 3D that WGAN, VAE-GAN, alpha-GAN and CCE-GAN share.

Radford et al. 2016 in the 3D form of Kwon et al. 2019: a generator doubles a base grid up to the
volume, a critic halves the volume down to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.networks.blocks import LEAK, Norm, NormAct, make_norm
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, Labels, Latents, Volumes

Head: TypeAlias = Literal["whole", "strided", "slices"]
"""How a critic ends. `whole`: a convolution of the whole last grid. `strided`: a convolution of 4
with stride 2, whose outputs are averaged. `slices`: its last two halvings and its head leave the
depth as it is, and the slices' outputs are averaged."""

Stem: TypeAlias = Literal["linear", "transposed"]
"""How a generator begins: a linear layer, or a transposed convolution of a single voxel."""

CUBIC = ((4, 4, 4), (2, 2, 2), (1, 1, 1))
IN_PLANE = ((1, 4, 4), (1, 2, 2), (0, 1, 1))
"""Kernel, stride and padding of a halving."""

FLAT = 2
"""Halvings that leave the depth alone before a head by `slices`."""


def generator_widths(num_doublings: int, width: int, most: int | None = None) -> tuple[int, ...]:
    """Channels at the base grid and after each doubling but the last: each half of the one before.

    Args:
        num_doublings: Of the base grid, up to the volume.
        width: Channels before the last doubling.
        most: No grid has more; by default 16 times the width.
    """
    most = 16 * width if most is None else most
    return tuple(min(width * 2**level, most) for level in reversed(range(num_doublings)))


def critic_widths(num_doublings: int, width: int) -> tuple[int, ...]:
    """Channels after each halving: each twice those before, the last 8 times the width."""
    return tuple(max(8 * width // 2**level, 1) for level in reversed(range(num_doublings)))


class UpGenerator(nn.Module):
    """Latent codes to volumes: a base grid, doubled with a convolution as often as needed."""

    def __init__(
        self,
        *,
        latent_dim: int,
        num_classes: int = 0,
        base_shape: tuple[int, int, int],
        widths: Sequence[int],
        stem: Stem = "linear",
        norm: Norm = "batch",
        bias: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            latent_dim: Entries of a latent code.
            num_classes: Classes whose one-hot label is joined to the code; 0 for none.
            base_shape: Grid at which it starts.
            widths: Channels at the base grid and after each doubling but the last.
            stem: How the base grid is made.
            norm: After every layer but the last.
            bias: Of the convolutions; the linear stem has one in any case.
        """
        super().__init__()
        self.base_shape = base_shape
        inputs = latent_dim + num_classes
        self.stem: nn.Module = (
            nn.Linear(inputs, widths[0] * prod(base_shape))
            if stem == "linear"
            else nn.ConvTranspose3d(inputs, widths[0], base_shape, bias=bias)
        )
        grids = [prod(base_shape) * 8**level for level in range(len(widths))]
        self.convs = nn.ModuleList(
            UpConv(before, after, voxels=voxels, bias=bias)
            for (before, after), voxels in zip(pairwise([*widths, 1]), grids, strict=True)
        )
        self.acts = nn.ModuleList(NormAct(norm, channels) for channels in widths)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z] and any labels [b, k]."""
        code = latents if labels is None else torch.cat((latents, labels), dim=1)
        features: FeatureMaps = (
            self.stem(code).view(len(code), -1, *self.base_shape)
            if isinstance(self.stem, nn.Linear)
            else self.stem(code[:, :, None, None, None])
        )
        for act, conv in zip(self.acts, self.convs, strict=True):
            features = conv(act(features))
        return torch.tanh(features)


def critic_body(widths: Sequence[int], norm: Norm, *, flat: int = 0) -> nn.Sequential:
    """Halvings of a volume, each a convolution, a normalisation but in the first, and a rectifier.

    Args:
        widths: Channels after each.
        norm: Of all but the first.
        flat: Last ones that leave the depth as it is.
    """
    layers: list[nn.Module] = []
    for level, (before, after) in enumerate(pairwise([1, *widths])):
        has_norm = level > 0 and norm != "none"
        kernel, stride, padding = CUBIC if level < len(widths) - flat else IN_PLANE
        layers.append(nn.Conv3d(before, after, kernel, stride, padding))
        if has_norm:
            layers.append(make_norm(norm, after))
        layers.append(nn.LeakyReLU(LEAK, inplace=True))
    return nn.Sequential(*layers)


class Critic(nn.Module):
    """Volumes to numbers: halved by convolutions of 4 down to a grid that a head reads.

    As a critic it has one output, as an encoder one for each entry of the latent code.
    """

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        widths: Sequence[int],
        norm: Norm = "batch",
        outputs: int = 1,
        head: Head = "whole",
        head_bias: bool = True,
    ) -> None:
        """Make the layers.

        Args:
            base_shape: Grid of the volume, halved as often as there are widths.
            widths: Channels after each halving.
            norm: After every layer but the first and the head.
            outputs: Numbers for each volume.
            head: How it ends.
            head_bias: Whether the head adds a bias, which differences of scores cannot train.
        """
        super().__init__()
        self.body = critic_body(widths, norm, flat=FLAT if head == "slices" else 0)
        _, height, width = base_shape
        self.head = {
            "whole": lambda: nn.Conv3d(widths[-1], outputs, base_shape, bias=head_bias),
            "strided": lambda: nn.Conv3d(widths[-1], outputs, 4, 2, 1, bias=head_bias),
            "slices": lambda: nn.Conv3d(widths[-1], outputs, (1, height, width), bias=head_bias),
        }[head]()

    def forward(self, volumes: Volumes) -> Float[Tensor, "b outputs"]:
        """Numbers [b, outputs] of volumes [b, 1, d, h, w]."""
        numbers: Tensor = self.head(self.body(volumes)).flatten(2).mean(dim=2)
        return numbers

"""Networks that grow: a generator and a critic that run at any level, with a fade between two.

Karras et al. 2018 with 3D operations, and the layout of its port to 3D. Level 0 is the base grid;
each level doubles the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.blocks import LEAK
from hagan.networks.equalised import RECTIFIED, SameConv, pixel_norm, prepared
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, Latents, Logits, LowVolumes, Rows

Layout: TypeAlias = Literal["karras", "strided"]
"""`karras`: convolutions of 3, two a level. `strided`: convolutions of 4, in the critic one a level
with stride 2, and both networks end at half the base grid."""


def level_widths(num_levels: int, most: int, channels_times_side: int) -> tuple[int, ...]:
    """Channels of each level, whose side counts as 4, 8, 16 and so on."""
    sides = [4 * 2**level for level in range(num_levels)]
    return tuple(max(min(channels_times_side // side, most), 1) for side in sides)


def doubled(features: FeatureMaps) -> FeatureMaps:
    """Twice the size along every axis, by nearest neighbour."""
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def halved(features: FeatureMaps) -> FeatureMaps:
    """Half the size along every axis, by the mean of 2 x 2 x 2."""
    return functional.avg_pool3d(features, 2)


def shrunk(volumes: LowVolumes, times: int) -> LowVolumes:
    """Volumes halved so often."""
    return functional.avg_pool3d(volumes, 2**times) if times else volumes


def mixed(before: Tensor, after: Tensor, fade: float) -> Tensor:
    """On the straight line from one tensor, at 0, to another; of the type of the latter."""
    # Autocast may have left them in different types.
    return torch.lerp(before.to(after), after, fade)


class GrownBlock(nn.Module):
    """Features of a level from those of the one before: doubled, then two convolutions."""

    def __init__(
        self, inputs: int, outputs: int, *, grid: Sequence[int], layout: Layout, equalised: bool
    ) -> None:
        super().__init__()
        self.grid = tuple(grid)
        kernel = 3 if layout == "karras" else 4
        first = (
            UpConv(inputs, outputs, voxels=prod(grid) // 8)
            if layout == "karras"
            else SameConv(inputs, outputs, kernel)
        )
        self.first = prepared(first, equalised=equalised)
        self.second = prepared(SameConv(outputs, outputs, kernel), equalised=equalised)

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Features [b, outputs, *grid] of features [b, inputs, ...] on half the grid."""
        if not isinstance(self.first, UpConv):
            # By its size, since half of an odd base grid was rounded up.
            features = functional.interpolate(features, size=self.grid, mode="nearest")
        for conv in (self.first, self.second):
            features = pixel_norm(functional.leaky_relu_(conv(features), LEAK))
        return features


class BaseBlock(nn.Module):
    """Features of the base grid from latent codes."""

    def __init__(
        self,
        latent_dim: int,
        stem: int,
        width: int,
        *,
        grid: Sequence[int],
        layout: Layout,
        equalised: bool,
    ) -> None:
        super().__init__()
        is_half = layout == "strided"
        self.grid = tuple(-(-size // 2) for size in grid) if is_half else tuple(grid)
        # Karras' gain. The normalisation that follows takes it back, but for the bias.
        dense = nn.Linear(latent_dim, stem * prod(self.grid))
        self.dense = prepared(dense, equalised=equalised, gain=RECTIFIED / 4)
        self.block: nn.Module = (
            GrownBlock(stem, width, grid=grid, layout=layout, equalised=equalised)
            if is_half
            else prepared(SameConv(stem, width, 3), equalised=equalised)
        )

    def forward(self, latents: Latents) -> FeatureMaps:
        """Features [b, width, *grid] of latents [b, z]."""
        features: Tensor = self.dense(pixel_norm(latents)).view(len(latents), -1, *self.grid)
        if isinstance(self.block, GrownBlock):
            grown: FeatureMaps = self.block(features)
            return grown
        features = pixel_norm(functional.leaky_relu(features, LEAK))
        return pixel_norm(functional.leaky_relu_(self.block(features), LEAK))


class GrowingGenerator(nn.Module):
    """Latent codes to volumes of any level."""

    def __init__(
        self,
        *,
        latent_dim: int,
        base_shape: tuple[int, int, int],
        stem: int,
        widths: Sequence[int],
        layout: Layout,
        equalised: bool,
    ) -> None:
        """Make the layers of all levels.

        Args:
            latent_dim: Entries of a latent code.
            base_shape: Grid of level 0.
            stem: Channels that the dense layer makes.
            widths: Channels of each level.
            layout: Of the convolutions.
            equalised: Whether weights are scaled in use.
        """
        super().__init__()
        base = BaseBlock(
            latent_dim, stem, widths[0], grid=base_shape, layout=layout, equalised=equalised
        )
        grids = [[size * 2**level for size in base_shape] for level in range(len(widths))]
        grown = [
            GrownBlock(before, after, grid=grid, layout=layout, equalised=equalised)
            for (before, after), grid in zip(pairwise(widths), grids[1:], strict=True)
        ]
        self.blocks = nn.ModuleList([base, *grown])
        self.to_volume = nn.ModuleList(
            prepared(SameConv(width, 1, 1), equalised=equalised, gain=1.0) for width in widths
        )

    def forward(self, latents: Latents, level: int, fade: float = 1.0) -> LowVolumes:
        """Volumes [b, 1, ...] on the level's grid, without bounds, of latents [b, z].

        Args:
            latents: Codes.
            level: The layers of higher ones have no part.
            fade: Weight of the level against the doubled volume of the one before.
        """
        features = before = self.blocks[0](latents)
        for block in self.blocks[1 : level + 1]:
            features, before = block(features), features
        volumes: LowVolumes = self.to_volume[level](features)
        if fade == 1.0:
            return volumes
        return mixed(doubled(self.to_volume[level - 1](before)), volumes, fade)


class GrowingCritic(nn.Module):
    """Volumes of any level to scores, in two parts, between which a batch can be joined."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        stem: int,
        widths: Sequence[int],
        layout: Layout,
        equalised: bool,
        deviation: bool,
    ) -> None:
        """Make the layers of all levels.

        Args:
            base_shape: Grid of level 0.
            stem: Channels of the head.
            widths: Channels of each level.
            layout: Of the convolutions.
            equalised: Whether weights are scaled in use.
            deviation: Whether the head takes a number of each volume as a further channel.
        """
        super().__init__()
        self.layout = layout
        self.from_volume = nn.ModuleList(
            prepared(SameConv(1, width, 1), equalised=equalised) for width in widths
        )
        is_half = layout == "strided"
        conv = SameConv(widths[0] + deviation, stem, 4 if is_half else 3, 2 if is_half else 1)
        grid = [-(-size // 2) for size in base_shape] if is_half else base_shape
        head = nn.Sequential(
            prepared(conv, equalised=equalised),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Flatten(),
            prepared(nn.Linear(stem * prod(grid), stem), equalised=equalised),
            nn.LeakyReLU(LEAK, inplace=True),
            prepared(nn.Linear(stem, 1), equalised=equalised, gain=1.0),
        )
        shrinking = (self._block(after, before, equalised) for before, after in pairwise(widths))
        self.blocks = nn.ModuleList([head, *shrinking])

    def _block(self, inputs: int, outputs: int, equalised: bool) -> nn.Module:
        """Features of a level to those of the one before."""
        act = nn.LeakyReLU(LEAK, inplace=True)
        if self.layout == "strided":
            only = prepared(SameConv(inputs, outputs, 4, 2), equalised=equalised)
            return nn.Sequential(only, act)
        first = prepared(SameConv(inputs, inputs, 3), equalised=equalised)
        second = prepared(SameConv(inputs, outputs, 3), equalised=equalised)
        return nn.Sequential(first, act, second, act, nn.AvgPool3d(2))

    def features(self, volumes: LowVolumes, level: int, fade: float = 1.0) -> FeatureMaps:
        """Features [b, c, ...] of the base grid, each volume's by itself.

        Args:
            volumes: On the level's grid.
            level: The layers of higher ones have no part.
            fade: Weight of the level's features against those of the halved volumes.
        """
        features = self._read(volumes, level)
        for number in range(level, 0, -1):
            features = self.blocks[number](features)
            if number == level and fade != 1.0:
                features = mixed(self._read(halved(volumes), level - 1), features, fade)
        return features

    def _read(self, volumes: LowVolumes, level: int) -> FeatureMaps:
        features: FeatureMaps = self.from_volume[level](volumes)
        return functional.leaky_relu_(features, LEAK) if self.layout == "karras" else features

    def scores(self, features: FeatureMaps, deviation: Rows | None = None) -> Logits:
        """Scores [b], without bounds, of what `features` gave and the numbers [b, 1] of each."""
        if deviation is not None:
            number = deviation[:, :, None, None, None].to(features)
            features = torch.cat((features, number.expand(-1, -1, *features.shape[2:])), dim=1)
        scores: Logits = self.blocks[0](features)[:, 0]
        return scores

"""Noise for G^H that streams: each voxel's number follows from the code and the voxel's place.

Noise before each normalisation, one map with a learned gain for each channel that starts at 0, is
StyleGAN's (Karras et al. 2019). Theirs is drawn in order; here a hash of (seed, layer, voxel) takes
the place of a generator, so that slabs made alone have the noise of the whole volume.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor, nn

from hagan.types import FeatureMaps, Latents, Seeds

BITS = 32
MASK = 2**BITS - 1
FACTOR = 0x119DE1F3
"""Of Mueller's integer hash; below 2**31, so that no product leaves int64."""
ENTRY, LAYER, PLANE, SECOND = 0x1B873593, 0x2C1B3C6D, 0x297A2D39, 0x31848BAB
"""Steps that keep entries, layers, planes and the two uniform numbers of a voxel apart."""

PARTS_OF_ONE = 2.0**20
"""To which a code is rounded for its seed: products with a power of two are exact everywhere."""


def mixed(numbers: Tensor) -> Tensor:
    """A hash of whole numbers from 0 to 2**32 - 1 [...] int64, in the same range."""
    for _ in range(2):
        numbers = (((numbers >> 16) ^ numbers) * FACTOR) & MASK
    return (numbers >> 16) ^ numbers


def seeds_of(latents: Latents) -> Seeds:
    """A seed [b] for each code [b, z], a function of nothing but the code, on its device."""
    whole = torch.round(latents.detach().float() * PARTS_OF_ONE).long() & MASK
    places = torch.arange(latents.shape[1], device=latents.device) * ENTRY
    # Hashed with their places: a sum alone would not tell an order.
    return mixed(mixed((whole + places) & MASK).sum(dim=1) & MASK)


def normal_noise(seeds: Seeds, layer: int, start: int, grid: tuple[int, int, int]) -> Tensor:
    """N(0, 1) for planes of a layer's grid: float32 [b, 1, d, h, w].

    Args:
        seeds: Of each volume.
        layer: Its number.
        start: The first plane, counted along depth at the layer's resolution.
        grid: Planes from there on, height and width.
    """
    depth, height, width = grid
    planes = torch.arange(start, start + depth, device=seeds.device)
    in_plane = torch.arange(height * width, device=seeds.device)
    of_layer = mixed((seeds + layer * LAYER) & MASK)
    of_plane = mixed((of_layer[:, None] + planes * PLANE) & MASK)
    # Hashed both, so that no two planes hold the same numbers shifted.
    first = mixed((of_plane[:, :, None] + mixed(in_plane)) & MASK)
    second = mixed((first + SECOND) & MASK)
    # Box and Muller 1958: two uniform numbers to a normal one. 0 is left out, 1 is not.
    radius = torch.sqrt(-2.0 * torch.log((first + 1).float() * 2.0**-BITS))
    angle = 2.0 * pi * (second.float() * 2.0**-BITS)
    return (radius * torch.cos(angle)).view(len(seeds), 1, depth, height, width)


class VoxelNoise(nn.Module):
    """Adds a layer's noise to its features, with a gain for each channel that starts at 0."""

    def __init__(self, layer: int, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.gain = nn.Parameter(torch.zeros(channels))

    def forward(self, features: FeatureMaps, seeds: Seeds, start: int) -> FeatureMaps:
        """Features [b, c, d, h, w] whose first plane is number `start`, with their noise."""
        _, _, depth, height, width = features.shape
        noise = normal_noise(seeds, self.layer, start, (depth, height, width))
        gain = self.gain.view(1, -1, 1, 1, 1)
        return torch.addcmul(features, noise.to(features), gain.to(features))

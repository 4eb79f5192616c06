"""A small StyleGAN in float64 for its tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.models.baselines.style_gan import StyleGAN

SHAPE = (8, 10, 12)

SMALL = StyleGANConfig(
    volume_shape=SHAPE,
    latent_dim=4,
    width=4,
    mapping_layers=2,
    r1_gamma=3.0,
    r1_every=4,
    path_every=2,
)
"""Grids of 4 x 5 x 6 and 8 x 10 x 12: four styles."""


def made(step: int = 0, **changes: Any) -> StyleGAN:
    torch.manual_seed(0)
    model = StyleGAN(replace(SMALL, **changes)).double()
    with torch.no_grad():
        for layer in model.generator.synthesis.layers:
            layer.noise_strength.fill_(0.3)
            layer.bias.normal_()
    model.begin_step(step)
    return model


def volumes_of(count: int = 3) -> Tensor:
    return torch.rand(count, 1, *SHAPE, dtype=torch.float64) * 2 - 1

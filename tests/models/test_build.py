"""From a configuration to its model."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.config.models import ModelConfig
from hagan.config.recipes import recipe
from hagan.models.build import BUILDERS, build_model
from hagan.models.gan import GAN


def test_every_configuration_has_a_builder() -> None:
    kinds = set(get_args(ModelConfig)) or {ModelConfig}
    assert set(BUILDERS) == kinds


@pytest.mark.parametrize("num_classes", [0, 3])
def test_the_model_is_what_the_configuration_says(num_classes: int) -> None:
    config = HAGANConfig(
        volume_shape=(40, 48, 56), num_slabs=5, width=4, latent_dim=7, num_classes=num_classes
    )
    model = build_model(config)
    assert isinstance(model, GAN)
    assert model.volume_shape == (40, 48, 56)
    assert (model.latent_dim, model.num_classes) == (7, num_classes)
    assert model.draw_latents(3).shape == (3, 7)


def test_initial_weights_follow_the_seed() -> None:
    config = replace(recipe("hagan-tiny-32").model, latent_dim=8)
    states = []
    for seed in (11, 11, 12):
        torch.manual_seed(seed)
        states.append(build_model(config).state_dict())
    key = "generator.common.fc.weight"
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0][key], states[2][key])

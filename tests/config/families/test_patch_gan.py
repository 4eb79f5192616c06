"""The patch GAN's recipes: what the sound form mends, and that the tiny form is it but narrow."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.recipes import recipe


def differences(first: str, second: str) -> dict[str, Any]:
    a, b = recipe(first).model, recipe(second).model
    names = [field.name for field in fields(a)]
    return {name: getattr(b, name) for name in names if getattr(a, name) != getattr(b, name)}


def test_the_paper_form_has_the_published_numbers() -> None:
    config = recipe("patch-gan-128").model
    assert isinstance(config, PatchGANConfig)
    assert (config.patch, config.inner, config.stride, config.blocks) == (32, 20, 20, 6)
    assert (config.rebuilt_weight, config.critic_rest, config.low_noise) == (10.0, 0.8, 0.01)
    for adam in (config.adam_generator, config.adam_critic):
        assert (adam.learning_rate, adam.beta1, adam.beta2) == (2e-4, 0.5, 0.999)


@pytest.mark.parametrize(("side", "stride"), [(32, 8), (64, 16), (256, 16)])
def test_sound_mends_norms_overlap_and_rest(side: int, stride: int) -> None:
    assert differences(f"patch-gan-{side}", f"patch-gan-sound-{side}") == {
        "stride": stride,
        "generator_norm": "rms",
        "critic_norm": "group",
        "critic_rest": None,
    }
    assert recipe(f"patch-gan-{side}").training.average_half_life is None
    assert recipe(f"patch-gan-sound-{side}").training.average_half_life is not None


def test_only_side_32_has_smaller_patches() -> None:
    assert set(differences("patch-gan-32", "patch-gan-64")) == {
        "volume_shape",
        "patch",
        "inner",
        "stride",
    }
    assert set(differences("patch-gan-64", "patch-gan-256")) == {"volume_shape"}


def test_tiny_is_sound_but_narrow_and_fast() -> None:
    assert set(differences("patch-gan-sound-32", "patch-gan-tiny-32")) == {
        "latent_dim",
        "width",
        "blocks",
        "adam_generator",
        "adam_critic",
    }

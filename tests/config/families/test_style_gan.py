"""StyleGAN 2's recipes: Hong's settings, what the sound form mends, and how narrow tiny is."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.families.style_gan import rescaled
from hagan.config.recipes import recipe


def model_of(name: str) -> StyleGANConfig:
    model = recipe(name).model
    assert isinstance(model, StyleGANConfig)
    return model


def differences(first: str, second: str) -> dict[str, Any]:
    a, b = model_of(first), model_of(second)
    names = [field.name for field in fields(a)]
    return {name: getattr(b, name) for name in names if getattr(a, name) != getattr(b, name)}


def test_the_paper_form_is_hongs_at_two_millimetres_with_r1() -> None:
    model = model_of("style-gan-128")
    assert (model.width, model.latent_dim, model.filter_taps) == (96, 128, (1, 3, 3, 3, 1))
    assert (model.r1_gamma, model.r1_every, model.path_every) == (10.0, 1, 1)
    assert (model.path_weight, model.path_decay, model.mixing_probability) == (2.0, 0.01, 0.9)
    assert (model.mapping_layers, model.mapping_rate, model.style_decay) == (8, 0.01, 0.995)
    for adam in (model.adam_generator, model.adam_discriminator):
        assert (adam.learning_rate, adam.beta1, adam.beta2) == (2e-3, 0.0, 0.99)
    assert recipe("style-gan-128").training.average_half_life == 10_000


def test_the_largest_side_is_hongs_at_one_millimetre() -> None:
    assert differences("style-gan-128", "style-gan-256") == {
        "volume_shape": (256, 256, 256), "width": 18, "latent_dim": 96
    }  # fmt: skip


@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_sound_is_lazy_with_the_filter_that_keeps_constants(side: int) -> None:
    found = differences(f"style-gan-{side}", f"style-gan-sound-{side}")
    assert found.pop("r1_gamma") == pytest.approx(10 * side**3 / (80 * 96 * 112))
    generator, discriminator = found.pop("adam_generator"), found.pop("adam_discriminator")
    assert found.pop("width") == {32: 64, 64: 64, 128: 32, 256: 16}[side]
    assert found.pop("latent_dim", 128) == 128
    assert found == {"filter_taps": (1, 3, 3, 1), "r1_every": 16, "path_every": 8}
    assert generator.learning_rate == pytest.approx(2e-3 * 8 / 9)
    assert generator.beta2 == pytest.approx(0.99 ** (8 / 9))
    assert discriminator.learning_rate == pytest.approx(2e-3 * 16 / 17)
    assert discriminator.beta2 == pytest.approx(0.99 ** (16 / 17))
    assert generator.beta1 == discriminator.beta1 == 0.0
    assert recipe(f"style-gan-sound-{side}").training.average_half_life == 10_000


def test_rescaled_settings_forget_as_much_in_all_steps_as_before_in_fewer() -> None:
    adam = model_of("style-gan-128").adam_generator
    lazy = rescaled(adam, 8)
    assert lazy.beta2**9 == pytest.approx(adam.beta2**8)
    assert 9 * lazy.learning_rate == pytest.approx(8 * adam.learning_rate)


def test_tiny_is_sound_but_narrow() -> None:
    assert differences("style-gan-sound-32", "style-gan-tiny-32") == {"latent_dim": 64, "width": 16}

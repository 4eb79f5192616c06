"""HA-GAN's recipes: the differences between them are the documented ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe


def differences(first: str, second: str) -> dict[str, Any]:
    a, b = recipe(first).model, recipe(second).model
    names = [field.name for field in fields(HAGANConfig)]
    return {name: getattr(b, name) for name in names if getattr(a, name) != getattr(b, name)}


def test_paper_is_the_configs_default() -> None:
    assert recipe("hagan-paper-256").model == HAGANConfig()


def test_official_differs_from_the_paper_as_the_released_code_does() -> None:
    assert differences("hagan-paper-128", "hagan-official-128") == {
        "alignment": "floor",
        "low_real": "nearest",
        "adversarial": "mean-logit",
        "slab_weight": 1.0,
        "image_weight": 1.0,
        "image_reduction": "mean",
        "class_weight_generator": 0.1,
        "class_loss_on_fake": False,
    }


def test_ours_rebuilds_fixed_codes_to_the_end_and_averages_its_weights() -> None:
    config = recipe("hagan-64")
    assert config.model.warm_start is not None
    assert config.model.warm_start.weight_at(0.9) > 0
    assert config.model.prior_weight > 0
    assert config.model.gamma_end < 1
    assert config.training.learning_rate_end < 1
    assert config.model.body_weight > 1
    assert config.model.high_norm == "rms"
    assert config.model.alignment == "exact"
    assert config.training.average_half_life is not None
    # R1 and R2 take the place of spectral normalisation; without either D is not held.
    assert config.model.spectral_norm == (config.model.adversarial != "relativistic")


def test_tiny_is_ours_but_narrow_and_fast() -> None:
    changed = set(differences("hagan-32", "hagan-tiny-32"))
    adams = {"adam_generator", "adam_discriminator", "adam_encoder"}
    assert changed == {"width", "latent_dim", *adams}
    assert recipe("hagan-tiny-32").training.steps < recipe("hagan-32").training.steps / 10


def test_the_form_of_2020_differs_from_the_released_one_as_documented() -> None:
    assert differences("hagan-official-128", "hagan-early-128") == {
        "latent_dim": 1000,
        "generator_widening": 2,
        "stem": "transposed",
        "common_norm": "batch",
        "high_norm": "batch",
        "encoder": False,
    }

"""Recipes by name: each is what its name says, and the differences are the documented ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hagan.config.models import HAGANConfig
from hagan.config.recipes import FAMILIES, recipe, recipe_names
from hagan.errors import UsageError


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_has_its_name_and_its_side(name: str) -> None:
    config = recipe(name)
    side = int(name.rsplit("-", 1)[1])
    assert config.name == name
    assert config.model.volume_shape == (side, side, side)
    assert config.fold is None


def test_names_are_every_family_at_every_side() -> None:
    names = recipe_names()
    assert len(names) == len(set(names)) == sum(len(sides) for _, sides in FAMILIES.values())
    assert {"hagan-64", "hagan-paper-256", "hagan-official-128", "hagan-tiny-32"} <= set(names)


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


def test_ours_reaches_g_with_its_reconstruction_and_averages_its_weights() -> None:
    config = recipe("hagan-64")
    assert config.model.reconstruction_weight_generator > 0
    assert config.model.prior_weight > 0
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


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hagan-paper-265", "sides 32, 64, 128, 256"),
        ("hagen-64", "hagan-64"),
        ("hagan-offical-128", "hagan-official-128"),
        ("hagan", "hagan-"),
        ("", "hagan-64"),
        ("hagan-64\n", "hagan-64"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        recipe(name)

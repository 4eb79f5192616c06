"""The variants of HA-GAN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hagan.cli.train import with_settings
from hagan.config.recipes import recipe
from hagan.config.training import RunConfig
from hagan.experiments.ablation import OF_TABLE_IV, VARIANTS, Variant
from hagan.experiments.published import ABLATION
from hagan.models.build import build_model


def of(variant: Variant, name: str = "hagan-tiny-32") -> RunConfig:
    return with_settings(recipe(name), variant.settings)


@pytest.mark.parametrize("variant", VARIANTS[1:], ids=lambda variant: variant.name)
@pytest.mark.parametrize("name", ["hagan-tiny-32", "hagan-64", "hagan-256"])
def test_every_variant_is_a_recipe_that_differs(variant: Variant, name: str) -> None:
    changed = of(variant, name)
    assert changed != recipe(name)
    assert replace(changed, model=recipe(name).model, training=recipe(name).training) == recipe(
        name
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_can_be_built(variant: Variant) -> None:
    model = build_model(of(variant).model)
    phases = {phase.name for phase in model.phases()}
    assert ("high_encoder" in phases) == (variant.name != "without encoder")


def test_the_first_are_those_of_the_paper() -> None:
    names = {variant.name for variant in VARIANTS[:OF_TABLE_IV]}
    assert names == ABLATION["thorax"][256].keys() == ABLATION["brain"][256].keys()


def test_names_differ() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)

"""Recipes by name: each is what its name says, and the differences are the documented ones."""

from __future__ import annotations

import pytest

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

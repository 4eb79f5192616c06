"""Scales and the recipes that they mean."""

from __future__ import annotations

import pytest

from hagan.config.recipes import recipe
from hagan.errors import UsageError
from hagan.experiments.scale import SCALES
from hagan.experiments.synthesis import MODELS


@pytest.mark.parametrize("scale", SCALES.values(), ids=lambda scale: scale.name)
def test_every_model_of_the_paper_has_a_recipe_at_every_scale(scale: object) -> None:
    for model in MODELS:
        config = recipe(scale.recipe(model))  # type: ignore[attr-defined]
        side = config.model.volume_shape[0]
        assert side == (128 if scale.name == "paper" and model != "hagan" else scale.side)  # type: ignore[attr-defined]


def test_forms_are_those_of_the_scale() -> None:
    names = [SCALES[name].recipe("wgan") for name in ("tiny", "small", "paper")]
    assert names == ["wgan-tiny-32", "wgan-sound-64", "wgan-128"]
    assert SCALES["small"].recipe("hagan-paper") == "hagan-paper-64"


def test_a_model_without_recipe_is_told() -> None:
    with pytest.raises(UsageError, match=r"--models hagan-early: .* scale tiny"):
        SCALES["tiny"].recipe("hagan-early")

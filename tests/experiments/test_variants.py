"""Variants as command lines name them."""

from __future__ import annotations

import pytest

from hagan.cli.train import with_settings
from hagan.config.recipes import recipe
from hagan.errors import UsageError
from hagan.experiments.scale import SCALES
from hagan.experiments.variants import KNOWN, Variant, parsed
from hagan.models.build import build_model


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("scale", ["tiny", "small"])
def test_every_known_one_is_a_recipe_that_can_be_built(name: str, scale: str) -> None:
    variant, size = KNOWN[name], SCALES[scale]  # type: ignore[index]
    config = recipe(size.recipe(variant.family, size.side))
    changed = with_settings(config, variant.settings)
    assert (changed != config) == bool(variant.settings)
    if scale == "tiny":
        build_model(changed.model)


def test_narrow_forms_differ_from_ours_in_nothing_but_the_method() -> None:
    ours = recipe("hagan-tiny-32")
    for name in ("hagan-paper-tiny-32", "hagan-official-tiny-32"):
        other = recipe(name)
        assert other.model.volume_shape == ours.model.volume_shape
        assert getattr(other.model, "width", 0) == getattr(ours.model, "width", 1)
        assert other.training.batch_size == ours.training.batch_size
        whole = recipe(name.replace("-tiny", ""))
        adam = "adam_generator"
        assert getattr(other.model, adam) == getattr(whole.model, adam)
        assert other.training.average_half_life is None


def test_forms_of_the_command_line() -> None:
    assert parsed("paper") is KNOWN["paper"]
    assert parsed("wgan") == Variant("wgan", "wgan")
    wide = parsed("wide: hagan model.width=16 training.mirror=true")
    assert wide.family == "hagan"
    assert wide.settings == ("model.width=16", "training.mirror=true")


@pytest.mark.parametrize("text", ["", "two words", "a: hagan width", "a/b: hagan", ": hagan"])
def test_what_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="expected one of hagan, paper"):
        parsed(text)

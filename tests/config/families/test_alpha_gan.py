"""Recipes of alpha-gan: what the sound form changes, and that the tiny form is it but narrow."""

from __future__ import annotations

from dataclasses import fields

from hagan.config.recipes import recipe


def differences(first: str, second: str) -> set[str]:
    a, b = recipe(first).model, recipe(second).model
    return {f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)}


def test_sound_changes_what_its_docstring_says() -> None:
    assert differences("alpha-gan-64", "alpha-gan-sound-64") == {
        "critic_norm",
        "code_norm",
        "adam_generator",
        "adam_critic",
        "adam_code",
    }
    assert recipe("alpha-gan-64").training.average_half_life is None
    assert recipe("alpha-gan-sound-64").training.average_half_life is not None


def test_tiny_is_sound_but_narrow_and_fast() -> None:
    assert differences("alpha-gan-sound-32", "alpha-gan-tiny-32") == {
        "latent_dim",
        "width",
        "adam_generator",
        "adam_critic",
        "adam_code",
    }

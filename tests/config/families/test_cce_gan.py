"""Recipes of cce-gan: what the sound form changes, and that the tiny form is it but narrow."""

from __future__ import annotations

from dataclasses import fields

from hagan.config.recipes import recipe


def differences(first: str, second: str) -> set[str]:
    a, b = recipe(first).model, recipe(second).model
    return {f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)}


def test_sound_changes_what_its_docstring_says() -> None:
    assert differences("cce-gan-64", "cce-gan-sound-64") == {
        "critic_norm",
        "transport_of",
        "transport_unrolled",
        "transport_epsilon",
        "transport_weight",
        "adam_generator",
        "adam_encoder",
        "adam_critic",
    }
    assert recipe("cce-gan-64").training.average_half_life is None
    assert recipe("cce-gan-sound-64").training.average_half_life is not None


def test_tiny_is_sound_but_narrow_and_fast() -> None:
    assert differences("cce-gan-sound-32", "cce-gan-tiny-32") == {
        "latent_dim",
        "width",
        "transport_epsilon",
        "transport_weight",
        "adam_generator",
        "adam_encoder",
        "adam_critic",
    }

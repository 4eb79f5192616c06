"""Recipes of vae-gan: what the sound form changes, and that the tiny form is it but narrow."""

from __future__ import annotations

from dataclasses import fields

from hagan.config.recipes import recipe


def differences(first: str, second: str) -> set[str]:
    a, b = recipe(first).model, recipe(second).model
    return {f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)}


def test_sound_changes_what_its_docstring_says() -> None:
    assert differences("vae-gan-64", "vae-gan-sound-64") == {
        "critic_norm",
        "reconstruction",
        "saturating",
        "adam_generator",
        "adam_encoder",
        "adam_critic",
    }
    assert recipe("vae-gan-64").training.average_half_life is None
    assert recipe("vae-gan-sound-64").training.average_half_life is not None


def test_tiny_is_sound_but_narrow_and_fast() -> None:
    assert differences("vae-gan-sound-32", "vae-gan-tiny-32") == {
        "latent_dim",
        "width",
        "adam_generator",
        "adam_encoder",
        "adam_critic",
    }


def test_from_128_on_the_networks_are_the_deeper_ones() -> None:
    assert differences("vae-gan-64", "vae-gan-128") == {"volume_shape", "deeper"}

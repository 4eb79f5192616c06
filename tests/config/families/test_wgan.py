"""WGAN-GP's recipes: what the sound form mends, and that the tiny form is it but narrow."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hagan.config.recipes import recipe


def differences(first: str, second: str) -> dict[str, Any]:
    a, b = recipe(first).model, recipe(second).model
    names = [field.name for field in fields(a)]
    return {name: getattr(b, name) for name in names if getattr(a, name) != getattr(b, name)}


def test_sound_mends_the_notebooks_penalty_turns_and_norm() -> None:
    found = differences("wgan-64", "wgan-sound-64")
    for adam in ("adam_generator", "adam_critic"):
        settings = found.pop(adam)
        assert (settings.learning_rate, settings.beta1, settings.beta2) == (1e-4, 0.0, 0.9)
    assert found == {
        "latent_dim": 1024,
        "critic_norm": "group",
        "critic_head": "whole",
        "penalty_of": "volume",
        "critic_repeats": 5,
        "generator_repeats": 1,
    }
    assert recipe("wgan-64").training.average_half_life is None
    assert recipe("wgan-sound-64").training.average_half_life is not None


def test_tiny_is_sound_but_narrow_and_fast() -> None:
    assert set(differences("wgan-sound-32", "wgan-tiny-32")) == {
        "latent_dim",
        "width",
        "adam_generator",
        "adam_critic",
    }

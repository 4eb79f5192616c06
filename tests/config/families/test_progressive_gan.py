"""Progressive GAN's recipes: the port's schedule, what the sound form mends, how tiny grows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.recipes import recipe


def model_of(name: str) -> ProgressiveGANConfig:
    model = recipe(name).model
    assert isinstance(model, ProgressiveGANConfig)
    return model


def differences(first: str, second: str) -> dict[str, Any]:
    a, b = model_of(first), model_of(second)
    names = [field.name for field in fields(a)]
    return {name: getattr(b, name) for name in names if getattr(a, name) != getattr(b, name)}


def test_the_ports_levels_see_its_images() -> None:
    """100,000 to 180,000 images a side, once while it fades in and once after."""
    run = recipe("progressive-gan-128")
    model = model_of("progressive-gan-128")
    shown: dict[tuple[int, bool], int] = {}
    for step in range(0, run.training.steps, 500):
        stage = model.stage_at(step)
        key = 4 * 2**stage.level, stage.fade < 1
        shown[key] = shown.get(key, 0) + 500 * run.training.batch_size
    images = {8: 100_000, 16: 120_000, 32: 140_000, 64: 160_000, 128: 180_000}
    assert shown == {(side, fades): n for side, n in images.items() for fades in (True, False)}


def test_sound_is_karras_recipe() -> None:
    found = differences("progressive-gan-64", "progressive-gan-sound-64")
    for adam in ("adam_generator", "adam_critic"):
        settings = found.pop(adam)
        assert (settings.learning_rate, settings.beta1, settings.beta2) == (1e-3, 0.0, 0.99)
    assert set(found) - {"fade_steps", "stable_steps"} == {
        *("latent_dim", "critic_widening", "layout", "equalised", "deviation_group", "output"),
        "first_level",
    }
    sound, port = model_of("progressive-gan-sound-64"), model_of("progressive-gan-64")
    assert (sound.layout, sound.equalised, sound.output) == ("karras", True, "linear")
    assert (sound.deviation_group, sound.first_level, sound.latent_dim) == (4, 0, 512)
    assert (port.layout, port.equalised, port.output) == ("strided", False, "tanh")
    assert (sound.penalty_weight, sound.drift_weight) == (10.0, 0.001)
    assert recipe("progressive-gan-64").training.average_half_life is None
    assert recipe("progressive-gan-sound-64").training.average_half_life == 10_000


@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_sound_spends_its_steps_as_the_port_its_images(side: int) -> None:
    run, model = recipe(f"progressive-gan-sound-{side}"), model_of(f"progressive-gan-sound-{side}")
    assert run.training.steps == 80_000
    last = model.last_level
    ends = model.starts_at(last) + model.fade_of(last) + model.stable_steps[-1]
    assert 79_980 < ends <= 80_000
    assert model.stable_steps[-1] / model.stable_steps[0] == pytest.approx(
        {32: 140, 64: 160, 128: 180, 256: 200}[side] / 80, rel=1e-3
    )


def test_tiny_is_sound_but_narrow_and_grown_in_its_first_half() -> None:
    assert set(differences("progressive-gan-sound-32", "progressive-gan-tiny-32")) == {
        *("latent_dim", "width", "channels_times_side", "fade_steps", "stable_steps"),
    }
    model = model_of("progressive-gan-tiny-32")
    steps = recipe("progressive-gan-tiny-32").training.steps
    stages = [model.stage_at(step) for step in range(steps)]
    assert {stage.level for stage in stages} == {0, 1, 2, 3}
    assert {stage.fade for stage in stages[steps // 2 :]} == {1.0}
    assert {stage.level for stage in stages[steps // 2 :]} == {3}

"""The cost of a model that grows is that of its costliest step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.models.baselines.progressive_gan import ProgressiveGAN
from hagan.models.build import build_model
from hagan.training import cost
from hagan.training.cost import step_cost
from hagan.training.live_memory import LiveMemory
from hagan.training.plan import Planner
from hagan.training.trainer import Trainer

CLOSE = 0.03


def short(name: str, accumulate: int = 1, **changes: Any) -> RunConfig:
    """Side 16, through its levels in seven steps; at a fade's second one all moments are there."""
    config = recipe(name)
    assert isinstance(config.model, ProgressiveGANConfig)
    model = replace(
        config.model,
        **{"volume_shape": (16, 16, 16), "width": 8, "latent_dim": 16, **changes},
        fade_steps=(2,),
        stable_steps=(1,),
    )
    training = replace(config.training, batch_size=2, accumulate=accumulate)
    return replace(config, model=model, training=training)


class Noise:
    """Random volumes."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config

    def at(self, step: int, repeat: int = 0) -> Batch:
        shape = self.config.model.volume_shape
        volumes = torch.rand(self.config.training.batch_size, 1, *shape) * 2 - 1
        return Batch(volumes=volumes, labels=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["progressive-gan-32", "progressive-gan-sound-32"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_real_step_of_the_schedule_takes_more(
    name: str, accumulate: int, tmp_path: Path
) -> None:
    config = short(name, accumulate)
    parts = []
    with LiveMemory() as live:
        trainer = Trainer(build_model(config.model), config, Noise(config), RunDir(tmp_path))
        for _ in range(7):
            with live.part() as part:
                trainer.train_step()
            parts.append(part)
    predicted = step_cost(config)
    peak, flops = max(part.peak for part in parts), max(part.flops for part in parts)
    assert parts[0].flops < 0.5 * flops, "the first step is far from the costliest"
    assert peak == pytest.approx(predicted.peak, rel=CLOSE)
    assert flops == pytest.approx(predicted.flops, rel=CLOSE)
    assert peak <= predicted.peak + 1024
    assert flops <= predicted.flops


@pytest.mark.slow
@pytest.mark.parametrize("name", ["progressive-gan-32", "progressive-gan-sound-32"])
def test_every_step_costs_at_most_what_the_named_one_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short(name, volume_shape=(20, 24, 28))
    named = step_cost(config)
    others = []
    for step in range(7):
        monkeypatch.setattr(ProgressiveGAN, "costliest_step", lambda _, step=step: step)
        cost._traced.cache_clear()
        others.append(step_cost(config))
    cost._traced.cache_clear()
    assert max(other.peak for other in others) == named.peak > others[0].peak
    assert max(other.flops for other in others) == named.flops > others[0].flops
    assert {other.states for other in others} == {named.states}


def test_a_model_that_does_not_grow_is_costed_at_its_first_step() -> None:
    for name in ("hagan-32", "wgan-32"):
        with torch.device("meta"):
            assert build_model(recipe(name).model).costliest_step() == 0


@pytest.mark.slow
def test_a_plan_looks_at_the_grown_networks() -> None:
    """A memory that holds the first level alone is refused a batch of two."""
    config = short("progressive-gan-sound-32", volume_shape=(32, 32, 32))
    planner = Planner(2**40)
    whole = planner.plan(config, fixed=frozenset({"batch_size"})).chosen
    tight = Planner(whole.needed - 1).plan(config).chosen
    assert tight.config.training != config.training

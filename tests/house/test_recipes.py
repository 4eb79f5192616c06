"""Every recipe builds, comes back from its JSON, and trains a step when it is shrunk."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hagan.config.codec import from_json, to_json
from hagan.config.recipes import FAMILIES, recipe, recipe_names
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.errors import UsageError
from hagan.models.build import build_model
from hagan.training.trainer import Trainer


class Noise:
    """Other random volumes at each step."""

    def __init__(self, batch_size: int, shape: tuple[int, int, int]) -> None:
        self.batch_size = batch_size
        self.shape = shape

    def at(self, step: int, repeat: int = 0) -> Batch:
        volumes = torch.rand(self.batch_size, 1, *self.shape) * 2 - 1
        return Batch(volumes=volumes, labels=None)


@pytest.mark.parametrize("name", recipe_names())
def test_it_builds_at_full_size(name: str) -> None:
    config = recipe(name)
    with torch.device("meta"):
        model = build_model(config.model)
    assert model.volume_shape == config.model.volume_shape
    assert len(model.phases()) >= (2 if list(model.parameters()) else 1)
    for phase in model.phases():
        assert sum(tensor.numel() for tensor in learned(phase.trains).values()) > 0


def learned(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What training moves: the weights; of a model that has none, what it keeps of its batches."""
    return dict(module.named_parameters()) or dict(module.named_buffers())


@pytest.mark.parametrize("name", recipe_names())
def test_it_comes_back_from_its_json(name: str) -> None:
    assert from_json(RunConfig, to_json(recipe(name)), where=name) == recipe(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe_names())
def test_it_trains_a_step_when_shrunk(name: str, tmp_path: Path) -> None:
    whole = recipe(name)
    shape = (8 * getattr(whole.model, "reduction", 4),) * 3
    changes = {"volume_shape": shape, "latent_dim": 16}
    if hasattr(whole.model, "width"):
        changes["width"] = 8
    if hasattr(whole.model, "num_slabs"):
        changes["num_slabs"] = min(whole.model.num_slabs, 8)
    small = replace(
        whole,
        model=replace(whole.model, **changes),  # type: ignore[arg-type]
        training=replace(whole.training, batch_size=2),
    )
    # D rests in the first of two where a run begins without the game.
    steps = 1 if getattr(whole.model, "warm_start", None) is None else 2
    if steps == 2:
        small = replace(small, training=replace(small.training, steps=steps))
    trainer = Trainer(build_model(small.model), small, Noise(2, shape), RunDir(tmp_path))
    before = {name: p.detach().clone() for name, p in learned(trainer.model).items()}
    values: dict[str, float] = {}
    for _ in range(steps):
        values |= trainer.train_step()
    assert trainer.step == steps
    assert all(math.isfinite(value) for value in values.values())
    moved = {
        ".".join(name.split(".")[:2])
        for name, parameter in learned(trainer.model).items()
        if not torch.equal(parameter, before[name])
    }
    parts = {".".join(name.split(".")[:2]) for name in before}
    assert moved == parts, "every network has learned something"


@pytest.mark.parametrize("name", recipe_names())
def test_a_mistyped_name_is_answered_with_the_right_one(name: str) -> None:
    for wrong in (name.replace("an", "n", 1), name.upper(), f"{name}x"):
        with pytest.raises(UsageError, match=re.escape(name)):
            recipe(wrong)


def test_every_recipe_says_what_it_is() -> None:
    for family, (make, _) in FAMILIES.items():
        assert len(make.__doc__ or "") > 40, family

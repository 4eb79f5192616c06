"""Batch normalisation over processes: a model with it trains as one process would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hagan.errors import UsageError
from hagan.models.build import build_model
from hagan.networks.batch_norm import BatchNorm
from hagan.training.distributed import World
from hagan.training.joint_statistics import join_statistics
from training.processes import make_trainer, narrow, train_together
from training.test_trainer_processes import assert_same, train_alone, weights


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wgan-32", "hagan-early-32"])
def test_two_processes_normalise_as_one(name: str, tmp_path: Path) -> None:
    """Shares of two and one volume; the penalty's gradients of gradients cross processes too."""
    settings = {"name": name, "model": {}, "steps": 2}
    one = train_alone(tmp_path / "one", **settings)
    both = train_together(2, tmp_path / "two", settings=settings)
    assert [told["code"] for told in both] == [0, 0], both
    assert_same(one, weights(tmp_path / "two", 0), 1e-9)
    assert_same(weights(tmp_path / "two", 0), weights(tmp_path / "two", 1), 0.0)


@pytest.mark.slow
def test_lack_of_memory_ends_the_run_with_what_to_do(tmp_path: Path) -> None:
    """The others wait within the pass, so that the turn cannot be taken again."""
    settings = {"name": "wgan-32", "model": {}, "batch_size": 4}
    mine = {"1": {"fault": "memory", "at": 1}}
    told = train_together(2, tmp_path, settings=settings, mine=mine)
    kind, text = told[1]["error"]
    assert kind == "OutOfMemoryError"
    assert "--accumulate 2" in text
    assert told[0]["error"][0] == "LostProcessError"


def test_alone_or_without_batch_normalisation_nothing_is_joined() -> None:
    torch.manual_seed(0)
    with_batches, without = (build_model(narrow(name)) for name in ("wgan-32", "hagan-32"))
    assert not join_statistics(with_batches, World())
    assert not join_statistics(without, World(0, 2))
    assert join_statistics(with_batches, World(0, 2))
    layers = [m for m in with_batches.modules() if isinstance(m, BatchNorm)]
    assert layers
    assert all(layer.total is not None for layer in layers)


def test_as_many_micro_batches_are_asked_of_each(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, name="wgan-32", model={}, batch_size=3, accumulate=2)
    trainer.turns.world = World(0, 2)
    join_statistics(trainer.model, trainer.turns.world)
    trainer.turns.joins = True
    with pytest.raises(UsageError, match="as many micro-batches"):
        trainer.train_step()

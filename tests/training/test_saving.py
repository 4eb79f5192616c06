"""Saving and resuming: what a checkpoint remembers, and what an older one does not say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hagan.models.weights import load_model
from hagan.training.saving import Resumed
from hagan.training.trainer import Trainer
from training.processes import make_trainer as make_exact
from training.processes import plant

Make = Callable[..., Trainer]


def test_everything_with_a_state_comes_back(make_trainer: Make) -> None:
    trainer = make_trainer()
    for _ in range(3):
        trainer.train_step()
    saved = trainer.save()
    again = make_trainer()
    assert again.step == 3
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name
    for name, tensor in trainer.averages["average"].tensors.items():
        assert torch.equal(again.averages["average"].tensors[name], tensor), name
    for player, other in zip(trainer.players, again.players, strict=True):
        assert player.state().keys() == other.state().keys() != set()
    assert again.save() == saved
    assert load_model(again.run_dir.path).step == 3


def test_a_run_without_a_checkpoint_begins(make_trainer: Make) -> None:
    trainer = make_trainer()
    assert trainer.saver.resume() is None
    assert not trainer.resumed


def fail_once(folder: Path, accumulate: int = 1) -> Trainer:
    """A trainer that memory forced to cut its batches of four in two, or further."""
    trainer = make_exact(folder, batch_size=4, accumulate=accumulate)
    plant(trainer, fault="memory", at=0)
    trainer.train_step()
    return trainer


@pytest.mark.slow
def test_micro_batches_that_memory_forced_are_remembered(tmp_path: Path) -> None:
    trainer = fail_once(tmp_path)
    assert trainer.turns.accumulate == 2
    trainer.save()
    again = make_exact(tmp_path, batch_size=4)
    assert (again.step, again.turns.accumulate) == (1, 2)
    # And for as long as the run lasts, though this process met no lack of memory.
    again.train_step()
    again.save()
    assert make_exact(tmp_path, batch_size=4).turns.accumulate == 2


def test_micro_batches_that_were_asked_for_are_not(tmp_path: Path) -> None:
    trainer = make_exact(tmp_path, batch_size=4, accumulate=4)
    trainer.train_step()
    trainer.save()
    assert make_exact(tmp_path, batch_size=4).turns.accumulate == 1


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "taken"), [(1, 2), (2, 2), (4, 4)])
def test_what_is_asked_for_stands_where_it_is_more(asked: int, taken: int, tmp_path: Path) -> None:
    fail_once(tmp_path).save()
    assert make_exact(tmp_path, batch_size=4, accumulate=asked).turns.accumulate == taken


@pytest.mark.slow
def test_going_back_keeps_what_was_learned_about_memory(tmp_path: Path) -> None:
    """Memory runs out after the checkpoint, then a number is none: the checkpoint says 1."""
    trainer = make_exact(tmp_path, batch_size=4, steps=2, save_every=1)
    plant(trainer, fault="memory", at=1)
    plant(trainer, fault="number", at=1)
    trainer.train()
    assert (trainer.step, trainer.roll_backs, trainer.turns.accumulate) == (2, 1, 2)


def test_a_checkpoint_of_before_it_was_remembered_loads(make_trainer: Make) -> None:
    trainer = make_trainer()
    trainer.train_step()
    trainer.save()
    (manifest,) = trainer.run_dir.state.glob("*.json")
    content = json.loads(manifest.read_text())
    assert content["facts"].pop("accumulate") == 1
    assert content["facts"].pop("seconds") == 0.0
    manifest.write_text(json.dumps(content))
    again = make_trainer(accumulate=2)
    assert (again.step, again.turns.accumulate) == (1, 2)
    assert again.saver.resume() == Resumed(1, 0, 1, 0.0)

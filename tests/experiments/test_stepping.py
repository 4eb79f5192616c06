"""Measured steps are the trainer's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest
import torch
from torch import nn

from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.errors import OutOfMemoryError
from hagan.experiments.lineup import PAPER_HAGAN, PAPER_PARAMETERS
from hagan.experiments.stepping import AVERAGE, RATE, Stepper, parameters_of
from hagan.models.baselines.progressive_gan import ProgressiveGAN
from hagan.models.build import build_model
from hagan.training.trainer import Trainer


def small(name: str = "hagan-tiny-32", **changes: object) -> RunConfig:
    config = recipe(name).with_model(width=8, latent_dim=16, **changes)
    return replace(config, training=replace(config.training, batch_size=2))


class Same:
    """One batch for all steps."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def at(self, step: int, repeat: int = 0) -> Batch:
        return self.batch


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hagan-tiny-32", "wgan-tiny-32"])
def test_a_step_moves_the_weights_as_the_trainers_does(name: str, tmp_path: Path) -> None:
    # Steps are measured where the game is on, and a run with a warm start begins without it.
    start = {"warm_start": None, "gamma_end": 1.0} if name.startswith("hagan") else {}
    config = small(name, **start)
    # At its first step that ramp gives the share at which steps are measured.
    ramp = {"learning_rate_ramp": round(1 / RATE), "learning_rate_end": 1.0}
    training = replace(config.training, **ramp)  # type: ignore[arg-type]
    config = replace(config, training=training)
    stepper = Stepper(config, "cpu")
    torch.manual_seed(config.training.seed)
    model = build_model(config.model)
    trainer = Trainer(model, config, Same(stepper.batch), RunDir(tmp_path))
    # A trainer looks at its volumes first; what a step costs does not depend on what is in them.
    stepper.model.look(repeat(stepper.batch.volumes))
    assert stepper.average is not None
    stepper.average.begin(stepper.model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, stepper.model.state_dict()[name])
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    trainer.train_step()
    stepper.step(0, lambda _: nullcontext())
    for name, tensor in stepper.model.named_parameters():
        assert torch.equal(tensor, model.get_parameter(name)), name
    assert any(not torch.equal(before[name], p) for name, p in model.named_parameters())
    theirs = trainer.averages["average"].tensors
    for name, tensor in stepper.average.tensors.items():
        assert torch.equal(tensor, theirs[name])


def entered(stepper: Stepper, number: int, *, everyone: bool = False) -> list[str]:
    names: list[str] = []

    @contextmanager
    def around(name: str) -> Iterator[None]:
        names.append(name)
        yield

    stepper.step(number, around, everyone=everyone)
    return names


@pytest.mark.slow
def test_phases_are_told_apart_and_have_their_turns() -> None:
    stepper = Stepper(small(encoder_every=2), "cpu")
    everyone = entered(stepper, 0)
    assert everyone[0] == "discriminator"
    assert everyone[-1] == AVERAGE
    skipped = set(everyone) - set(entered(stepper, 1))
    assert skipped
    assert all("encoder" in name for name in skipped)
    assert entered(stepper, 1, everyone=True) == everyone


@pytest.mark.slow
def test_a_model_that_grows_is_measured_when_it_is_grown() -> None:
    config = recipe("progressive-gan-tiny-32")
    config = replace(config, training=replace(config.training, batch_size=1))
    stepper = Stepper(config, "cpu")
    assert stepper.first > 0
    stepper.step(stepper.first, lambda _: nullcontext())
    assert isinstance(stepper.model, ProgressiveGAN)
    assert stepper.model.stage.level == stepper.model.config.last_level


@pytest.mark.slow
def test_a_batch_that_was_cut_for_want_of_memory_is_no_measurement() -> None:
    stepper = Stepper(small(), "cpu")
    stepper.turns.take_up(2)
    with pytest.raises(OutOfMemoryError, match="2 volumes"):
        stepper.step(0, lambda _: nullcontext())


def test_labels_are_there_where_the_model_takes_them() -> None:
    assert Stepper(small(), "cpu").batch.labels is None
    labels = Stepper(small(num_classes=3), "cpu").batch.labels
    assert labels is not None
    assert labels.tolist() == [[1.0, 0.0, 0.0]] * 2


class Shared(nn.Module):
    """Two networks with a layer in common, and one without weights."""

    def __init__(self) -> None:
        super().__init__()
        common = nn.Linear(3, 4)
        self.one = nn.Sequential(common, nn.Linear(4, 1))
        self.other = nn.Sequential(common, nn.Linear(4, 2))
        self.none = nn.ReLU()


def test_weights_of_two_networks_count_once() -> None:
    model = Shared()
    counts = parameters_of(model)
    assert counts == {"one": 16 + 5, "other": 10}
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("side", [32, 256])
def test_the_parameters_are_those_of_the_paper(side: int) -> None:
    with torch.device("meta"):
        counts = parameters_of(build_model(recipe(f"{PAPER_HAGAN}-{side}").model))
    assert sum(counts.values()) == pytest.approx(PAPER_PARAMETERS[side], rel=1e-3)

"""The loop: exact resuming, signals, roll-backs, what it leaves in the run's folder."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch

from hagan.errors import DivergedError, InterruptedRunError
from hagan.models.weights import load_model
from hagan.training.log import read_metrics
from hagan.training.trainer import Progress, Trainer

Make = Callable[..., Trainer]


@pytest.mark.slow
def test_run_folder_holds_what_later_stages_take(make_trainer: Make) -> None:
    trainer = make_trainer()
    trainer.train()
    run = trainer.run_dir
    loaded = load_model(run.path)
    assert loaded.step == 6
    assert [line["step"] for line in read_metrics(run.metrics)] == [2, 4, 6]
    assert {p.name for p in run.previews.iterdir()} == {"step-00000000.png", "step-00000004.png"}
    assert sorted(p.name for p in run.state.iterdir()) == [
        "step-00000004.json",
        "step-00000004.safetensors",
        "step-00000006.json",
        "step-00000006.safetensors",
    ]


@pytest.mark.slow
def test_previews_and_log_settings_do_not_change_the_weights(make_trainer: Make) -> None:
    first = make_trainer("first")
    second = make_trainer("second", preview_every=1, log_every=1, save_every=1)
    first.train()
    second.train()
    assert first.save() == second.save()


@pytest.mark.slow
def test_another_seed_gives_other_weights(make_trainer: Make) -> None:
    first, second = make_trainer("first"), make_trainer("second", seed=1)
    first.train()
    second.train()
    assert first.save() != second.save()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_finishes_the_step_saves_and_resumes_exactly(
    make_trainer: Make, number: signal.Signals
) -> None:
    whole = make_trainer("whole")
    whole.train()
    stopped = make_trainer("stopped")

    def send(progress: Progress) -> None:
        if progress.step == 3:
            os.kill(os.getpid(), number)

    stopped.on_step = send
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRunError, match="step 3 of 6"):
        stopped.train()
    assert signal.getsignal(number) == before
    again = make_trainer("stopped")
    assert again.step == 3
    again.train()
    assert again.save() == whole.save()


def lasting(trainer: Trainer, seconds: float) -> Trainer:
    """The trainer with a clock by which each step takes so many seconds."""

    @contextmanager
    def running() -> Iterator[None]:
        yield
        trainer.clock.seconds += seconds

    trainer.clock.running = running  # type: ignore[method-assign]
    return trainer


def test_it_ends_with_the_step_that_fills_its_minutes_whatever_came_between(
    make_trainer: Make,
) -> None:
    first = lasting(make_trainer(minutes=0.5), 8.0)
    first.on_step = lambda progress: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(InterruptedRunError, match="stopped after step 1"):
        first.train()
    again = lasting(make_trainer(minutes=0.5), 8.0)
    again.train()
    assert (again.step, again.clock.seconds) == (4, 32.0)
    done = make_trainer(minutes=0.5)
    done.train()
    assert done.step == 4
    more = lasting(make_trainer(minutes=0.7), 8.0)
    more.train()
    assert more.step == 6


def test_steps_that_are_taken_back_have_taken_their_time(make_trainer: Make) -> None:
    trainer = lasting(make_trainer(save_every=2), 8.0)
    poison(trainer, at=3, times=1)
    trainer.train()
    assert (trainer.step, trainer.clock.seconds) == (6, 56.0)


def poison(trainer: Trainer, *, at: int, times: int) -> None:
    """Make the discriminator's loss infinite at a step, a number of times."""
    player = trainer.players[0]
    phase, left = player.phase, [times]

    def loss(batch: Any) -> Any:
        terms = dict(phase.loss(batch))
        if trainer.step == at and left[0] > 0:
            left[0] -= 1
            terms["planted"] = terms["pair"] * float("inf")
        return terms

    trainer.players[0] = replace(player, phase=replace(phase, loss=loss))


@pytest.mark.slow
def test_non_finite_step_rolls_back_and_goes_on(
    make_trainer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = make_trainer()
    poison(trainer, at=3, times=1)
    trainer.train()
    assert trainer.step == 6
    assert trainer.roll_backs == 1
    assert "rolled back from step 3 to 2" in caplog.text
    assert all(bool(torch.isfinite(p).all()) for p in trainer.model.parameters())
    steps = [line["step"] for line in read_metrics(trainer.run_dir.metrics)]
    assert steps == [2, 4, 6]


@pytest.mark.slow
def test_run_that_stays_non_finite_ends_with_its_last_good_state(make_trainer: Make) -> None:
    trainer = make_trainer()
    poison(trainer, at=3, times=100)
    with pytest.raises(DivergedError, match=r"at step 3, after 3 roll-backs; .* step 2 in"):
        trainer.train()
    assert make_trainer().step == 2
    assert DivergedError.exit_code == 6


def test_non_finite_gradient_is_caught_before_it_moves_a_weight(make_trainer: Make) -> None:
    trainer = make_trainer(max_roll_backs=0)
    trainer.save()
    weight = next(trainer.players[1].phase.trains.parameters())
    before = weight.detach().clone()
    weight.requires_grad_(True).register_hook(lambda grad: grad * float("nan"))
    with pytest.raises(DivergedError, match="generator/gradient"):
        trainer.train()
    assert torch.equal(weight, before)


def test_learning_rate_rises_over_the_ramp(make_trainer: Make) -> None:
    trainer = make_trainer(learning_rate_ramp=4)
    rates = []
    for _ in range(6):
        trainer.train_step()
        rates.append(trainer.players[0].adam.param_groups[0]["lr"])
    full = trainer.players[0].phase.adam.learning_rate
    assert rates == pytest.approx([full * share for share in (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)])


@pytest.mark.slow
def test_weights_for_use_are_the_moving_average(make_trainer: Make) -> None:
    trainer = make_trainer()
    trainer.train()
    published = load_model(trainer.run_dir.path).model.state_dict()
    for name, tensor in trainer.averages["average"].tensors.items():
        assert torch.equal(published[name], tensor)
    assert not torch.equal(
        published["generator.common.fc.weight"], trainer.model.generator.common.fc.weight
    )


@pytest.mark.slow
def test_metrics_name_every_term_and_are_finite(make_trainer: Make) -> None:
    trainer = make_trainer(log_every=1)
    trainer.train()
    line = json.loads(trainer.run_dir.metrics.read_text().splitlines()[-1])
    for name in ("discriminator/pair", "discriminator/r1", "generator/fake", "high_encoder/slab"):
        assert name in line
    assert line["steps_per_second"] > 0
    assert line["peak_memory_mib"] > 10

"""How far a run is, and its learning rates there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hagan.config.training import TrainingConfig
from hagan.training.schedule import progress_of, rate_share, step_seed
from hagan.training.trainer import Trainer


def test_a_run_is_as_far_as_its_steps_or_its_minutes() -> None:
    by_steps = TrainingConfig(steps=200)
    by_time = TrainingConfig(steps=10**9, minutes=2.0)
    assert progress_of(by_steps, 50, 1000.0) == 0.25
    assert progress_of(by_time, 50, 30.0) == pytest.approx(0.25)
    assert progress_of(by_time, 50, 500.0) == 1.0


def test_rates_rise_over_the_ramp_and_fall_to_the_end() -> None:
    training = TrainingConfig(steps=100, learning_rate_ramp=10, learning_rate_end=0.5)
    assert rate_share(training, 4, 0.0) == pytest.approx(0.5)
    assert rate_share(training, 50, 0.5) == pytest.approx(0.75)
    assert rate_share(training, 99, 1.0) == pytest.approx(0.5)


def test_the_trainer_learns_slower_towards_the_end(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(steps=4, learning_rate_end=0.1, learning_rate_ramp=0)
    rates = []
    for _ in range(4):
        trainer.train_step()
        adam = trainer.players[0].adam
        assert adam is not None
        rates.append(adam.param_groups[0]["lr"] / trainer.players[0].phase.adam.learning_rate)
    assert rates == pytest.approx([rate_share(trainer.config.training, s, s / 4) for s in range(4)])
    assert rates[0] == 1.0
    assert rates[3] < 0.3


def test_step_seed_depends_on_each_argument_and_nothing_else() -> None:
    seeds = {step_seed(a, b, c) for a in range(3) for b in range(50) for c in range(3)}
    assert len(seeds) == 450
    assert step_seed(0, 1, 2) == step_seed(0, 1, 2)

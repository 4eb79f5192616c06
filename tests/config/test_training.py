"""Settings of the loop: the paper's by default, and what is refused with one line."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from hagan.config.training import RunConfig, TrainingConfig
from hagan.errors import UsageError


def test_defaults_are_the_papers() -> None:
    """Section III-E: 80,000 steps, batch 4, and the last weights."""
    training = TrainingConfig()
    assert (training.steps, training.batch_size) == (80_000, 4)
    assert training.average_half_life is None
    assert training.learning_rate_ramp == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 0}, "steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"accumulate": 0}, "accumulate"),
        ({"batch_size": 2, "accumulate": 3}, "accumulate must be at most batch_size = 2"),
        ({"save_every": 0}, "save_every"),
        ({"preview_every": -1}, "preview_every"),
        ({"log_every": 0}, "log_every"),
        ({"keep": 0}, "keep"),
        ({"seed": -1}, "seed"),
        ({"learning_rate_ramp": -1}, "learning_rate_ramp"),
        ({"max_roll_backs": -1}, "max_roll_backs"),
        ({"average_half_life": 0.0}, "average_half_life"),
        ({"average_half_life": math.nan}, "average_half_life"),
        ({"average_ramp": 0.0}, "average_ramp"),
    ],
)
def test_what_cannot_be_is_refused_and_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        TrainingConfig(**changes)
    assert "\n" not in str(caught.value)


def test_configurations_cannot_be_changed_behind_ones_back() -> None:
    config = RunConfig(name="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.training.steps = 1  # type: ignore[misc]

"""Adam's settings: what cannot run is refused."""

from __future__ import annotations

import math

import pytest

from hagan.config.adam import AdamConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"epsilon": 0.0},
        {"beta1": 1.0},
        {"beta2": -0.1},
        {"beta2": math.nan},
    ],
)
def test_adam_that_cannot_run_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        AdamConfig(**changes)


def test_adam_takes_integers_as_floats() -> None:
    """torch's fused Adam refuses an integer rate."""
    adam = AdamConfig(learning_rate=1, beta1=0)  # what JSON and a command line give
    assert isinstance(adam.learning_rate, float)
    assert isinstance(adam.beta1, float)

"""What a measuring process finds, against the prediction and against what is built."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from hagan.experiments.cells import Cell, Kind
from hagan.experiments.lineup import config_of
from hagan.experiments.stepping import AVERAGE
from hagan.experiments.worker import STEPS_OF_MEMORY, limit_memory, measure
from hagan.models.build import build_model
from hagan.training.cost import step_cost

THREADS = torch.get_num_threads()


def cell(kind: Kind, family: str = "wgan-tiny", **changes: object) -> Cell:
    config = config_of(family, 32)
    assert config is not None
    made = Cell(kind=kind, family=family, side=32, config=config, device="cpu", threads=THREADS)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["wgan-tiny", "progressive-gan-tiny"])
def test_a_prediction_is_what_a_step_is_traced_to_cost(family: str) -> None:
    asked = cell("cost", family)
    found, expected = measure(asked), step_cost(asked.config)
    assert (found["peak"], found["flops"]) == (expected.peak, expected.flops)
    assert [phase["peak"] for phase in found["phases"]] == [p.peak for p in expected.phases]
    model = build_model(asked.config.model)
    assert found["parameters"] == sum(p.numel() for p in model.parameters())
    assert sum(found["networks"].values()) == found["parameters"]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["wgan-tiny", "hagan-tiny", "progressive-gan-tiny"])
def test_measured_peaks_are_about_those_predicted(family: str) -> None:
    found, expected = measure(cell("memory", family)), step_cost(cell("memory", family).config)
    assert found["peak"] == pytest.approx(expected.peak, rel=0.04)
    assert list(found["phases"]) == [*(phase.name for phase in expected.phases), AVERAGE]
    for phase in expected.phases:
        assert found["phases"][phase.name] == pytest.approx(phase.peak, rel=0.06)


@pytest.mark.slow
def test_the_peak_is_that_of_a_step_which_begins_with_adams_moments() -> None:
    """One step alone makes them as it goes, and holds less."""
    found = measure(cell("memory"))
    assert STEPS_OF_MEMORY > 1
    first = step_cost(cell("memory").config)
    weights = sum(p.numel() for p in build_model(cell("memory").config.model).parameters())
    assert found["phases"]["generator"] > 4 * 3 * weights
    assert found["phases"]["generator"] == pytest.approx(first.phases[1].peak, rel=0.02)


@pytest.mark.slow
def test_as_many_steps_are_timed_as_asked_for() -> None:
    found = measure(cell("speed", steps=3, seconds=600.0, warm_up=2))
    assert len(found["wall"]) == len(found["cpu"]) == len(found["phases"]) == 3
    for whole, parts in zip(found["wall"], found["phases"], strict=True):
        assert set(parts) == {"critic", "generator", AVERAGE}
        assert 0 < sum(parts.values()) <= whole
        assert sum(parts.values()) > 0.5 * whole


@pytest.mark.slow
def test_one_step_is_timed_whatever_the_seconds() -> None:
    found = measure(cell("speed", steps=50, seconds=1e-6, warm_up=3))
    assert len(found["wall"]) == 1


LIMITED = """
import torch
from hagan.experiments.worker import limit_memory
limit_memory(200 * 2**20, "cpu")
torch.ones(25 * 2**20)
print("first", flush=True)
torch.ones(75 * 2**20)
print("second")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_an_allocation_beyond_the_limit_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["first"]
    assert "can't allocate memory" in done.stderr
    assert callable(limit_memory)

"""A plan as tables and as plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hagan.cli.plan_report import facts, show
from hagan.config.recipes import recipe
from hagan.config.training import RunConfig
from hagan.training.cost import PhaseCost, StepCost
from hagan.training.plan import MIB, Plan, Planner


def simple_cost(config: RunConfig) -> StepCost:
    """A tenth of a GiB and as much a volume of a part; a GFLOP a volume."""
    training = config.training
    part = -(-training.batch_size // training.accumulate)
    phase = PhaseCost("generator", 100 * MIB * (1 + part), 50 * MIB, training.batch_size * 10**9)
    return StepCost(90 * MIB, 0, (phase,))


def made(memory: int, device: str = "cpu") -> tuple[RunConfig, Planner, Plan]:
    config = recipe("hagan-paper-64")
    config = replace(config, training=replace(config.training, batch_size=4))
    planner = Planner(memory, device=device, cost=simple_cost)
    return config, planner, planner.plan(config)


def printed(capsys: pytest.CaptureFixture[str], *given: Any) -> str:
    show(*given)
    return " ".join(capsys.readouterr().out.split())


def test_tables_say_what_was_chosen_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    config, planner, plan = made(800 * MIB)
    text = printed(capsys, config, "cpu", planner, plan, {"fp32": 5e8}, "hagan train x")
    assert "hagan-paper-64: 64 x 64 x 64, 0.78 GiB on cpu" in text
    assert "4 1 fp32 8 0.49 0.98 8 too large" in text
    assert "4 2 fp32 8 0.29 0.72 8 chosen" in text
    assert "generator 0.29 0.05 4.0" in text
    assert "0.34 GiB and 30% of the peak" in text
    assert "seconds are an estimate" in text
    assert "measured now (0.5 GFLOP/s in fp32)" in text
    assert text.endswith("train: hagan train x")
    assert "largest batch" not in text


def test_a_larger_batch_and_an_absent_device_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    config, planner, plan = made(3000 * MIB, "cuda")
    text = printed(capsys, config, "cuda", planner, plan, {}, "hagan train x")
    assert "the largest batch found to fit at once is 14" in text
    assert "4 1 fp32 8 0.49 1.63 - chosen" in text
    assert "unmeasured" in text
    assert "there is no cuda here to measure seconds on" in text


def test_plain_values_hold_every_figure() -> None:
    config, planner, plan = made(800 * MIB)
    found = facts(config, "cpu", planner, plan, {"fp32": 5e8}, "hagan train x")
    assert json.loads(json.dumps(found)) == found
    assert [row["fits"] for row in found["considered"]] == [False, True, True]
    chosen = found["chosen"]
    assert (chosen["accumulate"], chosen["seconds"], chosen["flops"]) == (2, 8.0, 4 * 10**9)
    assert chosen["states_bytes"] == 90 * MIB
    assert chosen["phases"] == [
        {
            "name": "generator",
            "peak_bytes": 300 * MIB,
            "saved_bytes": 50 * MIB,
            "flops": 4 * 10**9,
        }
    ]
    assert found["largest_batch_at_once"] is None

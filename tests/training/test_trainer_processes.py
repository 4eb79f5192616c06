"""Two real processes train what one trains: same losses, same weights, one writer, one end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hagan.errors import UsageError
from hagan.training.distributed import World
from hagan.training.log import read_metrics
from training.processes import make_trainer, train_together

pytestmark = pytest.mark.slow


def weights(folder: Path, rank: int = 0) -> dict[str, Tensor]:
    return load_file(folder / f"out-{rank}.safetensors")


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor], within: float) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=within, atol=within, msg=name)


def train_alone(folder: Path, **settings: Any) -> dict[str, Tensor]:
    """Train in this process; what the others write down as their tensors."""
    trainer = make_trainer(folder / "rank-0", **settings)
    trainer.train()
    average = {
        f"average/{key}": tensor for key, tensor in trainer.averages["average"].tensors.items()
    }
    return trainer.model.state_dict() | average


def losses(lines: list[dict[str, Any]]) -> list[dict[str, float]]:
    clock = ("steps_per_second", "peak_memory_mib")
    return [{k: v for k, v in line.items() if k not in clock} for line in lines]


FIXED_CODES = {
    "warm_start": {"components": 4, "share": 0.3, "until": 1.0},
    "reconstruction_weight_generator": 0.0,
    "encoder_every": 2,
}
"""As in `hagan`: D rests for two steps, and what is rebuilt counts voxels of the body."""


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "hagan-32"},
        {"name": "hagan-paper-32", "accumulate": 2},
        {"name": "hagan-32", "model": {}},
        {"name": "gaussian-32", "model": {}},
        {"name": "hagan-32", "model": FIXED_CODES, "steps": 4},
    ],
    ids=["hagan", "paper in micro-batches", "terms of the whole batch", "no weights", "codes"],
)
def test_two_processes_follow_one(settings: dict[str, Any], tmp_path: Path) -> None:
    """A batch of three, so that the shares differ in size."""
    one = train_alone(tmp_path / "one", **settings | {"accumulate": 1})
    both = train_together(2, tmp_path / "two", settings=settings)
    assert [told["code"] for told in both] == [0, 0], both
    assert_same(one, weights(tmp_path / "two", 0), 1e-10)
    assert_same(weights(tmp_path / "two", 0), weights(tmp_path / "two", 1), 0.0)
    lines = losses(read_metrics(tmp_path / "one" / "rank-0" / "metrics.jsonl"))
    assert len(lines) == settings.get("steps", 3)
    for line, other in zip(lines, losses(both[0]["lines"]), strict=True):
        assert other == pytest.approx(line, rel=1e-10, abs=1e-10)


def test_only_the_first_process_writes_and_any_number_goes_on(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = train_alone(whole)
    train_alone(parts, steps=1)
    told = train_together(2, parts, settings={"steps": 2})
    assert [(one["resumed"], one["step"], one["code"]) for one in told] == [(1, 2, 0)] * 2
    assert make_trainer(parts / "rank-0").step == 2
    assert_same(expected, train_alone(parts), 1e-10)
    assert [line["step"] for line in read_metrics(parts / "rank-0" / "metrics.jsonl")] == [1, 2, 3]
    assert sorted(p.name for p in (parts / "rank-0").iterdir()) == sorted(
        p.name for p in (whole / "rank-0").iterdir()
    )
    assert not (parts / "rank-1").exists()


def test_a_signal_to_either_stops_both_after_the_same_step(tmp_path: Path) -> None:
    told = train_together(2, tmp_path, settings={"steps": 50}, mine={"1": {"signal_after": 2}})
    assert [one["step"] for one in told] == [2, 2]
    for one in told:
        kind, text = one["error"]
        assert kind == "InterruptedRunError"
        assert "SIGTERM: stopped after step 2 of 50" in text
    assert [one["told_elsewhere"] for one in told] == [False, True]
    again = train_together(2, tmp_path, settings={"steps": 3})
    assert [(one["resumed"], one["step"], one["code"]) for one in again] == [(2, 3, 0)] * 2


def test_both_go_back_where_one_meets_what_is_no_number(tmp_path: Path) -> None:
    mine = {"1": {"fault": "number", "at": 2}}
    told = train_together(2, tmp_path, settings={"save_every": 1}, mine=mine)
    assert [(one["step"], one["roll_backs"], one["code"]) for one in told] == [(3, 1, 0)] * 2
    assert_same(weights(tmp_path, 0), weights(tmp_path, 1), 0.0)


def test_both_take_smaller_parts_where_one_runs_out_of_memory(tmp_path: Path) -> None:
    expected = train_alone(tmp_path / "one")
    mine = {"1": {"fault": "memory", "at": 1}}
    told = train_together(2, tmp_path / "two", mine=mine)
    assert [(one["accumulate"], one["code"]) for one in told] == [(2, 0)] * 2
    assert "in 2 micro-batches" in told[1]["stderr"]
    assert_same(expected, weights(tmp_path / "two", 1), 1e-10)


def test_a_process_that_dies_ends_the_other_with_a_line(tmp_path: Path) -> None:
    told = train_together(2, tmp_path, settings={"steps": 50}, mine={"1": {"die_after": 2}})
    assert told[1]["code"] == 9
    kind, text = told[0]["error"]
    assert kind == "LostProcessError"
    assert "another process of this run ended" in text
    assert "\n" not in text


def test_more_processes_than_volumes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="4 processes share batches of 3"):
        make_trainer(tmp_path, world=World(0, 4))
    assert list(tmp_path.iterdir()) == []

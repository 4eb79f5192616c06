"""`hagan train` as torchrun starts it: two real processes, one run, one voice."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from cli.test_train import QUICK, make_store
from hagan.config.run_dir import RunDir
from hagan.models.weights import load_model
from hagan.training.checkpoint import newest_checkpoint
from training.processes import launch

pytestmark = pytest.mark.slow


def train(store: Path, run: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "hagan", "train", "hagan-tiny-32", "--store", str(store)),
        *("--run", str(run), "--device", "cpu", "--no-tensorboard", "--set", *QUICK, *more),
    ]


def test_two_processes_train_one_run_and_the_first_one_speaks(tmp_path: Path) -> None:
    store, run = make_store(tmp_path, range(3)), RunDir(tmp_path / "run")
    for steps in ("1", "2"):
        first, second = launch([[*train(store, run.path), "--steps", steps]] * 2)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        assert f"batch 2, {steps} steps on cpu in 2 processes" in first.stdout
        assert second.stdout == ""
    assert "going on from step 1" in first.stdout
    assert load_model(run.path).step == 2
    assert [json.loads(line)["step"] for line in run.metrics.read_text().splitlines()] == [1, 2]


def test_what_is_wrong_ends_both_before_they_meet(tmp_path: Path) -> None:
    ended = launch([train(tmp_path / "none", tmp_path / "run")] * 2)
    assert [process.returncode for process in ended] == [3, 3]
    assert ended[0].stderr.startswith("hagan: ")
    assert [process.stderr.count("\n") for process in ended] == [1, 0]
    assert not (tmp_path / "run").exists()


def test_two_processes_begin_with_the_weights_of_another_run(tmp_path: Path) -> None:
    store = make_store(tmp_path, range(3))
    source, run = RunDir(tmp_path / "source"), RunDir(tmp_path / "run")
    (ended,) = launch([train(store, source.path, "--steps", "1")])
    assert ended.returncode == 0, ended.stderr
    more = ("--start-from", str(source.path), "--steps", "1")
    both = launch([train(store, run.path, *more)] * 2)
    assert [process.returncode for process in both] == [0, 0], both[0].stderr + both[1].stderr
    assert f"begun with weights of {source.weights}" in both[0].stdout
    manifest = run.state / "step-00000001.json"
    manifest.unlink()
    begun = newest_checkpoint(run.state)
    assert begun is not None
    assert begun.step == 0
    for name, tensor in load_model(source.path).model.generator.state_dict().items():
        assert torch.equal(begun.tensors[f"model/generator.{name}"], tensor), name

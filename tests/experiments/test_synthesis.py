"""The whole of it once, tiny: phantoms, two models, two folds; interrupted on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from hagan.cli import main
from hagan.config.codec import from_json
from hagan.config.training import RunConfig

MODELS = ("gaussian", "wgan")
FLAGS = (
    *("--models", *MODELS, "--minutes", "0.03", "--phantoms", "24", "--samples", "4"),
    *("--device", "cpu"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment that was interrupted once."""
    out = tmp_path_factory.mktemp("synthesis")
    command = [sys.executable, "-m", "hagan", "experiment", "synthesis", "--out", str(out), *FLAGS]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.perf_counter() + 120
    while not list((out / "jobs").glob("train*.log")) and time.perf_counter() < until:
        time.sleep(0.1)
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 130, said
    assert "the same command goes on" in said
    assert not (out / "synthesis").exists()
    assert main.run(["experiment", "synthesis", "--out", str(out), *FLAGS]) == 0
    return out


def results(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "synthesis" / "results.json").read_text())
    return content


@pytest.mark.slow
def test_every_model_and_fold_has_its_figures(finished: Path) -> None:
    rows = [row for row in results(finished)["rows"] if row["extractor"] == "random-resnet10"]
    assert [(row["model"], row["fold"]) for row in rows] == [
        (model, fold) for fold in (0, 1) for model in MODELS
    ]
    assert all(row["scores"]["fid"] > 0 and row["floors"]["fid"] > 0 for row in rows)
    text = (finished / "synthesis" / "results.md").read_text()
    assert "| floor: training scans |" in text
    assert "> These are figures of phantoms: no evidence about patients." in text


@pytest.mark.slow
def test_nobody_who_is_held_out_was_trained_on(finished: Path) -> None:
    for run in (finished / "runs").glob("*/*/fold-*"):
        fold = run.name.removeprefix("fold-")
        config = from_json(RunConfig, (run / "config.json").read_text(), where="config")
        assert config.fold == f"{fold}/5"
        kind = finished / "evaluations" / run.parent.relative_to(finished / "runs")
        (own,) = kind.glob(f"fold-{fold}-*")
        read = {
            name: set(np.load(own / "features" / "random-resnet10" / f"{name}.npz")["subjects"])
            for name in ("real", "train")
        }
        assert read["real"]
        assert read["train"]
        assert read["real"].isdisjoint(read["train"])


@pytest.mark.slow
def test_pictures_show_every_model(finished: Path) -> None:
    folder = finished / "synthesis"
    samples = matplotlib.image.imread(folder / "samples-thorax.png")
    assert samples.shape[1] > 3 * samples.shape[0]
    assert (folder / "mds-thorax-random-resnet10.png").stat().st_size > 5000


@pytest.mark.slow
def test_the_same_command_again_does_nothing_anew(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipts = {path: path.stat().st_mtime_ns for path in (finished / "jobs").glob("*.json")}
    before = results(finished)["rows"]
    arguments = ["experiment", "synthesis", "--out", str(finished), *FLAGS, "--json"]
    assert main.run(arguments) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == before
    assert {path: path.stat().st_mtime_ns for path in receipts} == receipts
    assert os.listdir(finished / "synthesis")  # noqa: PTH208

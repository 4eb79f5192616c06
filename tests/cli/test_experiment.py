"""`hagan experiment memory` and `speed`, from the command line to the files."""

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
import pytest

from hagan.cli import main

SMALL = ("--models", "wgan-tiny", "gaussian-tiny", "--sides", "32", "--device", "cpu")
FAST = ("--repeats", "2", "--steps", "2", "--memory", "6GB", "--limit", "300")


def results(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return content


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["memory"], "give --out"),
        (["memory", "--dry-run", "--sides", "4"], "--sides"),
        (["memory", "--dry-run", "--batch-size", "0"], "--batch-size"),
        (["memory", "--dry-run", "--limit", "0"], "--limit"),
        (["memory", "--dry-run", "--threads", "0"], "--threads"),
        (["memory", "--dry-run", "--models", "wgna"], "did you mean wgan"),
        (["memory", "--dry-run", "--memory", "12 apples"], "expected a size"),
        (["speed"], "give --out"),
        (["speed", "--dry-run", "--repeats", "0"], "--repeats"),
        (["speed", "--dry-run", "--steps", "0"], "--steps"),
        (["speed", "--dry-run", "--seconds", "0"], "--seconds"),
        (["speed", "--dry-run", "--warm-up", "-1"], "--warm-up"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["experiment", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.long
@pytest.mark.slow
def test_memory_is_measured_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["experiment", "memory", *SMALL, "--memory", "6GB", "--out", str(out)]
    assert main.run(arguments) == 0
    told = capsys.readouterr().out
    assert "memory-wgan-tiny-32: " in told
    assert str(out / "results.md") in told
    rows = results(out)["rows"]
    assert [row["model"] for row in rows] == ["wgan-tiny", "gaussian-tiny"]
    for row in rows:
        assert row["why"] == ""
        assert row["ratio"] == pytest.approx(1, abs=0.05)
        if sys.platform == "linux":
            assert row["process_bytes"] > row["peak_bytes"]
    assert matplotlib.image.imread(out / "memory.png").ndim == 3
    assert "| 32 | wgan-tiny |" in (out / "results.md").read_text()
    # The same command again has nothing to do.
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert len(before) == 4
    began = time.perf_counter()
    assert main.run([*arguments, "--json"]) == 0
    assert time.perf_counter() - began < 10
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == before
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rows"] == rows
    assert "memory-wgan" not in printed.err


@pytest.mark.long
@pytest.mark.slow
def test_speed_is_measured_in_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["experiment", "speed", *SMALL, *FAST, "--out", str(tmp_path)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("speed-")]
    turns = [f"speed-{family}-tiny-32-{turn}" for turn in (1, 2) for family in ("wgan", "gaussian")]
    assert [line.partition(":")[0] for line in lines] == turns
    for row in results(tmp_path)["rows"]:
        assert (row["steps"], row["processes"], row["why"]) == (4, 2, "")
        assert row["steps_per_second"] == pytest.approx(1 / row["seconds_median"])
        assert sum(row["phases"].values()) == pytest.approx(1)
    facts = results(tmp_path)["facts"]
    assert {"CPU", "threads", "torch", "batch"} <= set(facts)
    assert (tmp_path / "speed.png").is_file()


@pytest.mark.slow
def test_a_dry_run_computes_no_step_and_needs_no_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["experiment", "memory", *SMALL, "--dry-run", "--json", "--memory", "380MiB"]
    assert main.run(arguments) == 0
    printed = capsys.readouterr()
    rows = json.loads(printed.out)["rows"]
    assert all(row["peak_bytes"] is None and row["predicted_bytes"] for row in rows)
    assert [row["why"] for row in rows] == ["", "does not fit (predicted 0.4 GiB)"]
    assert "memory-" not in printed.err


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_experiment_goes_on(tmp_path: Path) -> None:
    """Interrupted after the first cell, and after the next, it measures the rest alone."""
    command = [sys.executable, "-m", "hagan", "experiment", "memory", *SMALL]
    command += ["--memory", "6GB", "--out", str(tmp_path)]
    cells = tmp_path / "cells"
    for kept in (1, 2):
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            # A shell may have started the tests with Ctrl-C ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        end = time.perf_counter() + 120
        while len(list(cells.glob("*.json"))) < kept and time.perf_counter() < end:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        process.stderr.close()
        assert process.wait() == 130, said
        assert said == "hagan: interrupted\n"
        assert not (tmp_path / "results.json").exists()
    # Whole files alone are kept.
    before = {path: path.stat().st_mtime_ns for path in cells.iterdir()}
    assert all(json.loads(path.read_text())["outcome"]["status"] == "done" for path in before)
    assert 2 <= len(before) < 4
    assert main.run(command[3:]) == 0
    after = {path: path.stat().st_mtime_ns for path in cells.iterdir()}
    assert len(after) == 4
    assert {path: after[path] for path in before} == before
    assert all(row["why"] == "" for row in results(tmp_path)["rows"])

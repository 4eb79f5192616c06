"""`hagan train` that reads ahead, stopped by Ctrl-C in a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.test_train import QUICK, make_store
from hagan.config.run_dir import RunDir

pytestmark = pytest.mark.slow


def begin(store: Path, run: RunDir, *more: str) -> subprocess.Popen[str]:
    command = ["train", "hagan-tiny-32", "--store", str(store), "--run", str(run.path)]
    settings = ["--device", "cpu", "--no-tensorboard", *more, "--set", *QUICK]
    return subprocess.Popen(
        [sys.executable, "-m", "hagan", *command, *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_and_the_run_ends_as_one_without(
    tmp_path: Path, number: signal.Signals
) -> None:
    store, run = make_store(tmp_path, range(4)), RunDir(tmp_path / "run")
    process = begin(store, run, "--prefetch", "3", "--steps", "100000")
    end = time.monotonic() + 60
    while not (run.metrics.is_file() and run.metrics.read_text().count("\n") >= 2):
        assert process.poll() is None, finish(process)
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(number)
    code, errors = finish(process)
    assert (code, "everything saved" in errors, "Traceback" in errors) == (130, True, False), errors
    stopped_at = int(errors.split("stopped after step ")[1].split()[0])
    end_at = ("--steps", "100000", "--until", str((stopped_at + 2) / 100000))
    assert finish(begin(store, run, "--prefetch", "3", *end_at))[0] == 0
    whole = RunDir(tmp_path / "whole")
    assert finish(begin(store, whole, "--prefetch", "0", *end_at))[0] == 0
    assert run.weights.read_bytes() == whole.weights.read_bytes()

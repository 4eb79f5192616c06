"""Killed, terminated and resumed: real processes, real signals."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[str]"]
STEPS, SAVE_EVERY = 120, 3


def command(store: Path, run: Path, steps: int = STEPS) -> tuple[str, ...]:
    settings = (f"training.save_every={SAVE_EVERY}", "training.preview_every=20")
    return (
        *("train", "hagan-tiny-32", "--store", str(store), "--run", str(run)),
        *("--steps", str(steps), "--batch-size", "2", "--no-tensorboard", "--set", *settings),
    )


def newest_step(run: Path) -> int:
    """The newest step that a manifest names, as a reader of the folder sees it."""
    steps = [json.loads(p.read_text())["step"] for p in (run / "state").glob("step-*.json")]
    return max(steps, default=0)


def final_hash(run: Path) -> str:
    return str(json.loads((run / "state" / f"step-{STEPS:08d}.json").read_text())["sha256"])


@pytest.mark.slow
def test_sigterm_saves_exits_130_and_the_same_command_goes_on(
    store: Path, tmp_path: Path, start: Start
) -> None:
    run = tmp_path / "run"
    process = start(*command(store, run, steps=100_000))
    while newest_step(run) < SAVE_EVERY:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "everything saved" in errors
    assert "Traceback" not in errors
    stopped_at = newest_step(run)
    again = start(*command(store, run, steps=stopped_at + 2))
    output, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert f"going on from step {stopped_at}" in output
    assert newest_step(run) == stopped_at + 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_lose_nothing(store: Path, tmp_path: Path, start: Start) -> None:
    """kill -9 at random moments, saving included; the end equals an uninterrupted run's."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(*command(store, whole))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    rng = random.Random(7)
    kills, in_a_save = 0, 0
    while kills < 20:
        before = newest_step(killed)
        process = start(*command(store, killed))
        # Begin with the moment of the first save of this try, then wait a random while.
        while newest_step(killed) <= before and process.poll() is None:
            if any((killed / "state").glob(".*")) and rng.random() < 0.5:
                in_a_save += 1
                break
            time.sleep(0.002)
        else:
            time.sleep(rng.uniform(0.0, 0.3))
        if process.poll() is None:
            process.kill()
            kills += 1
        _, errors = process.communicate(timeout=60)
        assert newest_step(killed) >= before, "a kill lost a finished save"
        if newest_step(killed) == STEPS:
            break
    process = start(*command(store, killed))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert kills == 20
    assert in_a_save >= 1
    assert final_hash(killed) == final_hash(whole)
    assert (killed / "weights" / "model.safetensors").read_bytes() == (
        whole / "weights" / "model.safetensors"
    ).read_bytes()

"""Cells in real processes: an answer, an end to memory and time, and no orphans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hagan.experiments import own_process
from hagan.experiments.cells import Cell, Kind, Limits
from hagan.experiments.lineup import config_of
from hagan.experiments.own_process import in_own_process

pytestmark = pytest.mark.slow  # processes that load torch

PLENTY = Limits(4 * 2**30, 240.0)


def cell(kind: Kind, family: str = "wgan-tiny", **changes: object) -> Cell:
    config = config_of(family, 32)
    assert config is not None
    made = Cell(kind=kind, family=family, side=32, config=config, device="cpu", threads=1)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_process_answers() -> None:
    outcome = in_own_process(cell("speed", steps=2, seconds=60.0), PLENTY)
    assert outcome.status == "done", outcome.why
    assert len(outcome.answer["wall"]) == len(outcome.answer["phases"]) == 2


def test_a_process_that_takes_too_long_is_ended() -> None:
    began = time.perf_counter()
    outcome = in_own_process(cell("speed", steps=10**6, seconds=1e6), Limits(2**32, 8.0))
    assert (outcome.status, outcome.why) == ("time", "took longer than 8 s")
    assert time.perf_counter() - began < 30


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_process_that_needs_more_memory_than_it_may_take_says_so() -> None:
    # Side 32 of the paper's form, in less than its weights take.
    outcome = in_own_process(cell("memory", "wgan"), Limits(100 * 2**20, 240.0))
    assert outcome.status == "memory", outcome.why
    assert outcome.why == "out of memory within 0.1 GiB"


def test_a_process_that_fails_says_why_in_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = in_own_process(cell("speed", device="nowhere"), PLENTY)
    assert outcome.status == "failed"
    assert outcome.why.startswith("failed: RuntimeError: ")
    assert "nowhere" in outcome.why
    assert "\n" not in outcome.why
    monkeypatch.setattr(own_process, "WORKER", "hagan.experiments.nosuch")
    outcome = in_own_process(cell("speed"), PLENTY)
    assert outcome.status == "failed"
    assert "nosuch" in outcome.why


PARENT = """
import json, sys
from hagan.experiments.cells import Cell, Limits
from hagan.experiments.own_process import in_own_process
in_own_process(Cell.of(json.loads(sys.argv[1])), Limits(2**32, 600.0))
"""


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()]


def is_there(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(what: object, seconds: float) -> bool:
    assert callable(what)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_no_process_outlives_the_one_that_asked(tmp_path: Path) -> None:
    asked = json.dumps(cell("speed", steps=10**6, seconds=1e6).question())
    parent = subprocess.Popen([sys.executable, "-c", PARENT, asked])
    try:
        assert wait_until(lambda: children(parent.pid), 60)
        (child,) = children(parent.pid)
        # It has loaded what it needs, and steps.
        time.sleep(8)
        assert is_there(child)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not is_there(child), 30)

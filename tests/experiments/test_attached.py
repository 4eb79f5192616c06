"""The process of a job: it is the command line, and ends with the one that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

START = [sys.executable, "-m", "hagan.experiments.attached"]


def test_it_is_the_command_line_with_its_exit_code(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*START, "info", str(tmp_path / "nothing")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.wait() in (2, 3)
    assert said.startswith("hagan: ")
    process.communicate()


@pytest.mark.slow
def test_a_closed_pipe_ends_it_as_sigterm_does(tmp_path: Path) -> None:
    command = ["phantom", "thorax", str(tmp_path / "p"), "--count", "2000", "--side", "32"]
    process = subprocess.Popen([*START, *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=30) in (-signal.SIGTERM, 130, 143)

"""A cell in a process of its own, with an end to its memory and its time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from hagan.errors import OutOfMemoryError
from hagan.experiments.cells import Cell, Limits, Outcome

WORKER = "hagan.experiments.worker"
"""Module that such a process runs."""


def in_own_process(cell: Cell, limits: Limits) -> Outcome:
    """Have a cell measured by a fresh process.

    The process reads the question from a pipe that stays open while this one lives: when this one
    is killed, whatever kills it, the pipe closes and the other ends too.
    """
    asked = json.dumps({"cell": cell.question(), "memory": limits.memory}) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        answer, said = Path(folder) / "answer.json", Path(folder) / "stderr"
        with said.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", WORKER, str(answer)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )
            try:
                _ask(process, asked)
                code = process.wait(timeout=limits.seconds)
            except subprocess.TimeoutExpired:
                return Outcome("time", why=f"took longer than {limits.seconds:g} s")
            finally:
                process.kill()
                process.wait()
                _close(process)
        if code == 0 and answer.is_file():
            return Outcome("done", answer=json.loads(answer.read_text("utf-8")))
        return _without_answer(code, limits, said.read_text("utf-8", "replace"))


def _ask(process: subprocess.Popen[bytes], asked: str) -> None:
    """Hand over the question, and leave the pipe open."""
    assert process.stdin is not None
    try:
        process.stdin.write(asked.encode())
        process.stdin.flush()
    except BrokenPipeError:
        # It ended before it read, which its exit code tells.
        return


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.close()
    except BrokenPipeError:
        return


def _without_answer(code: int, limits: Limits, said: str) -> Outcome:
    """What an exit code means."""
    if code in (OutOfMemoryError.exit_code, -signal.SIGKILL):
        return Outcome("memory", why=f"out of memory within {limits.memory / 2**30:.1f} GiB")
    if code < 0:
        return Outcome("failed", why=f"failed: ended by {signal.Signals(-code).name}")
    lines = said.strip().splitlines() or [f"exit code {code}"]
    return Outcome("failed", why=f"failed: {lines[-1]}")

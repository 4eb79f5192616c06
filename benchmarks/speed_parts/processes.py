"""Work in a process of its own, so that its peak of memory is its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from speed_parts.settings import Settings

COMMAND = Path(__file__).parents[1] / "speed.py"
WORKER = "worker"
"""First argument of a process that was started from here."""


class FailedProcessError(Exception):
    """A process that ended without an answer; the last line of what it said."""


def in_own_process(
    module: str, settings: Settings, task: Mapping[str, Any], *, timeout: float | None = None
) -> dict[str, Any] | None:
    """What `speed_parts.<module>.work(settings, task)` gives in a process of its own.

    Args:
        module: Of this folder.
        settings: Of this call.
        task: Plain values.
        timeout: Seconds after which the process is ended.

    Returns:
        The answer, or None where time ran out.

    Raises:
        FailedProcessError: The process failed, or the system ended it for want of memory.
    """
    asked = json.dumps({"module": module, "settings": asdict(settings), "task": dict(task)})
    command = [sys.executable, str(COMMAND), WORKER, asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        if done.returncode < 0:
            raise FailedProcessError(f"ended by signal {-done.returncode}; 9 is often no memory")
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise FailedProcessError(said[-1])
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def work(asked: str) -> None:
    """Be the process that was started, and print the answer."""
    content = json.loads(asked)
    values = content["settings"]
    values["sides"] = None if values["sides"] is None else tuple(values["sides"])
    settings = Settings(**values)
    torch.set_num_threads(settings.threads)
    module = import_module(f"speed_parts.{content['module']}")
    print(json.dumps(module.work(settings, content["task"])))

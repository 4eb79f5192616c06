"""Metrics of a run: a JSON line each few steps, and TensorBoard's events where installed."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hagan.data.files import write_bytes_atomically


class MetricsLog:
    """Means of the losses since the last line, with rate and peak memory, in metrics.jsonl.

    A phase that takes its turn only now and then counts at the steps where it did, and has no entry
    in a line without one.
    """

    def __init__(self, path: Path, *, every: int, resumed_step: int) -> None:
        """Open the log.

        Args:
            path: The file; what it holds beyond `resumed_step` is cut off, since those steps are
                trained again.
            every: Steps between lines.
            resumed_step: Steps that are already done.
        """
        self.path = path
        self.every = every
        self._sums: dict[str, float] = defaultdict(float)
        self._turns: Counter[str] = Counter()
        self._steps = 0
        self._began = time.perf_counter()
        self._keep(resumed_step)

    def add(self, step: int, values: Mapping[str, float]) -> dict[str, Any] | None:
        """Take one step's values; returns the line when one was written.

        Args:
            step: Steps done, this one included.
            values: Losses and norms by name, of the turns that the step had.
        """
        for name, value in values.items():
            self._sums[name] += value
        self._turns.update(values.keys())
        self._steps += 1
        if step % self.every:
            return None
        now = time.perf_counter()
        line: dict[str, Any] = {"step": step}
        line |= {name: total / self._turns[name] for name, total in self._sums.items()}
        line["steps_per_second"] = self._steps / max(now - self._began, 1e-9)
        line["peak_memory_mib"] = peak_memory_mib()
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._sums.clear()
        self._turns.clear()
        self._steps, self._began = 0, now
        return line

    def _keep(self, last_step: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in read_metrics(self.path) if line["step"] <= last_step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_bytes_atomically(self.path, text.encode())


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; a last line that a kill cut short is left out."""
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines


def peak_memory_mib() -> float:
    """Peak memory of the device's allocator on CUDA, of the process otherwise, in MiB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


class TensorBoardLog:
    """The same lines as TensorBoard events."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder))

    def add(self, line: Mapping[str, Any]) -> None:
        """Write one line of `MetricsLog`."""
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Write out what is pending."""
        self._writer.close()


def open_tensorboard(folder: Path) -> TensorBoardLog | None:
    """TensorBoard's log, or none where TensorBoard is not installed."""
    try:
        return TensorBoardLog(folder)
    except ImportError:
        return None

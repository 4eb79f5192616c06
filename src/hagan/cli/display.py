"""Progress of a training run: a live bar on a terminal, a plain line now and then otherwise."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hagan.data.dataset import VolumeDataset
    from hagan.training import trainer

PLAIN_SECONDS = 20.0
"""Seconds between plain lines."""


class TrainingDisplay:
    """Shows steps, rate, time left, losses and peak memory."""

    def __init__(self, run: RunDir, steps: int, console: Console | None = None) -> None:
        self.run = run
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.live = self.console.is_terminal
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            disable=not self.live,
        )
        self.task = self.bar.add_task("training", total=steps, losses="")
        self.spoke = 0.0
        self.began = time.perf_counter()
        self.first_step = 0

    def __enter__(self) -> TrainingDisplay:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(
        self, config: RunConfig, dataset: VolumeDataset, device: str, resumed_step: int
    ) -> None:
        """Say what is trained, on what, from where."""
        self.first_step = resumed_step
        self.began = self.spoke = time.perf_counter()
        self.bar.update(self.task, completed=resumed_step)
        side = " x ".join(str(size) for size in config.model.volume_shape)
        self.console.print(
            f"{config.name}: {side}, {len(dataset)} scans, batch {config.training.batch_size}, "
            f"{config.training.steps} steps on {device}"
            + (f", going on from step {resumed_step}" if resumed_step else "")
        )

    def update(self, progress: trainer.Progress) -> None:
        """Show a step."""
        losses = "" if progress.line is None else summary(progress.line)
        if self.live:
            self.bar.update(self.task, completed=progress.step)
            if losses:
                assert progress.line is not None
                rate = progress.line["steps_per_second"]
                self.bar.update(self.task, losses=f"{rate:.2f} steps/s  {losses}")
            return
        now = time.perf_counter()
        if losses and now - self.spoke >= PLAIN_SECONDS:
            self.spoke = now
            rate = (progress.step - self.first_step) / max(now - self.began, 1e-9)
            left = (progress.steps - progress.step) / max(rate, 1e-9)
            self.console.print(
                f"step {progress.step}/{progress.steps}  {rate:.2f} steps/s  "
                f"{left / 60:.1f} min left  {losses}"
            )

    def end(self, step: int) -> None:
        """Say what was written and what comes next."""
        seconds = time.perf_counter() - self.began
        self.console.print(
            f"trained to step {step} in {seconds:.0f} s; weights in "
            f"{self.run.weights}\nnext: hagan generate {self.run.path} OUT --count 16"
        )


def summary(line: Mapping[str, object]) -> str:
    """A line of metrics.jsonl in a few words: each phase's loss and the peak memory."""
    totals: dict[str, float] = {}
    for name, value in line.items():
        phase, slash, term = name.partition("/")
        if slash and term != "gradient" and isinstance(value, float):
            totals[phase] = totals.get(phase, 0.0) + value
    losses = "  ".join(f"{phase} {total:.3f}" for phase, total in totals.items())
    memory = line.get("peak_memory_mib")
    return losses + (f"  peak {memory:.0f} MiB" if isinstance(memory, float) else "")

"""`hagan experiment`: the paper's tables and figures, measured on this machine."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from hagan.cli.contesting import RecipeExperiment
from hagan.cli.plan import bytes_of
from hagan.cli.studying import (
    AblationExperiment,
    AllExperiments,
    AugmentationExperiment,
    ClinicalExperiment,
    LatentExperiment,
    SynthesisExperiment,
)
from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.experiments.cells import Cell, Outcome
    from hagan.experiments.course import Course
    from hagan.experiments.tables import Result

FREE_SHARE = 0.8
"""Of the memory that is free, what a cell may take by default."""

LEAST_SIDE = 8


@dataclass(frozen=True)
class Measuring(ABC):
    """Flags of experiments that measure models by sides, each cell in a process of its own."""

    out: Path | None = None
    """Folder for results.md, results.json, a picture and the cells, with which the same command
    goes on; --dry-run needs none."""
    models: tuple[str, ...] = ()
    """Families of recipes, such as hagan wgan-sound; by default the paper's models and ours."""
    sides: tuple[int, ...] = (32, 64, 128, 256)
    """Voxels along each axis."""
    batch_size: int = 2
    """Volumes a step; the paper's is 2."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes CUDA where there is any; with --dry-run it need not be there."""
    threads: int | None = None
    """Of CPU operations; by default as many as torch takes."""
    memory: str | None = None
    """What a cell may take, such as 8GB or 800MiB; by default 80 % of what is free."""
    limit: float = 600.0
    """Seconds after which a cell is ended; larger sides of its model are not started then."""
    dry_run: bool = False
    """Predict alone; no step is computed."""
    json: bool = False
    """Print the results as JSON."""

    def run(self) -> int:
        """Measure what is not kept yet, and write the results; returns the exit code."""
        self._check()
        console = Console(highlight=False, soft_wrap=True, stderr=self.json)
        with ExitStack() as stack:
            folder = self.out
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            result = self._result(self._course(folder, console))
        written = [] if self.out is None else result.write(self.out)
        if self.json:
            print(result.json_text(), end="")
            return 0
        from hagan.cli.results import show_result

        show_result(result, console)
        if written:
            console.print(f"\nwritten: {', '.join(map(str, written))}", markup=False)
        return 0

    @abstractmethod
    def _result(self, course: Course) -> Result:
        """Measure, and make tables of it."""

    def _check(self) -> None:
        """Refuse flags before anything heavy is loaded.

        Raises:
            UsageError: One that means nothing.
        """
        if self.out is None and not self.dry_run:
            raise UsageError("give --out FOLDER for the results, or --dry-run to predict alone")
        threads = 1 if self.threads is None else self.threads
        # Written so that NaN is refused too.
        if self.batch_size < 1 or threads < 1 or not self.limit > 0:
            raise UsageError("--batch-size and --threads are at least 1, --limit is above 0")
        if not self.sides or min(self.sides) < LEAST_SIDE:
            raise UsageError(f"--sides: expected voxels such as 32 64, at least {LEAST_SIDE}")

    def _course(self, folder: Path, console: Console) -> Course:
        from hagan.experiments.cells import Cells, Limits
        from hagan.experiments.course import Asked, Course
        from hagan.experiments.lineup import lineup
        from hagan.experiments.machine import facts
        from hagan.experiments.own_process import in_own_process

        device = self._device()
        families = lineup(self.models)
        limits = Limits(self._memory(device), self.limit)
        threads = self._threads()
        found = facts(device, threads)
        machine = ", ".join(str(found[key]) for key in ("CPU", "GPU", "torch") if key in found)

        def tell(cell: Cell, outcome: Outcome) -> None:
            if outcome.status != "done":
                told = outcome.why
            elif cell.kind == "speed":
                steps = outcome.answer["wall"]
                told = f"{len(steps)} steps in {sum(steps):.1f} s"
            else:
                told = f"{outcome.answer['peak'] / 2**30:.2f} GiB of tensors"
            console.print(f"{cell.name}: {told}", markup=False)

        asked = Asked(
            families=families,
            sides=tuple(sorted(set(self.sides))),
            batch_size=self.batch_size,
            device=device,
            threads=threads,
            machine=machine,
        )
        return Course(asked, Cells(folder / "cells", in_own_process, limits, tell))

    def _facts(self, course: Course) -> dict[str, str | int | float]:
        from hagan.experiments.machine import facts

        return {
            **facts(course.asked.device, course.asked.threads),
            "batch": course.asked.batch_size,
            "memory of a cell (GiB)": round(course.limits.memory / 2**30, 1),
            "seconds of a cell": course.limits.seconds,
        }

    def _threads(self) -> int:
        import torch

        return self.threads or torch.get_num_threads()

    def _device(self) -> str:
        """The kind of device.

        Raises:
            UsageError: Steps are asked for on one that is not there.
        """
        import torch

        has_cuda = torch.cuda.is_available()
        if self.device == "auto":
            return "cuda" if has_cuda else "cpu"
        if self.device == "cuda" and not has_cuda and not self.dry_run:
            raise UsageError("--device cuda: there is none here; --dry-run predicts without one")
        return self.device

    def _memory(self, device: str) -> int:
        """Bytes that a cell may take.

        Raises:
            UsageError: No size was given, and the system does not tell what is free.
        """
        if self.memory is not None:
            return bytes_of(self.memory)
        import torch

        from hagan.inference.memory import free_memory

        is_there = device == "cpu" or torch.cuda.is_available()
        free = free_memory(device) if is_there else None
        if free is None:
            raise UsageError("what is free is not told; give --memory, such as --memory 12GB")
        return int(FREE_SHARE * free)


@dataclass(frozen=True)
class MemoryExperiment(Measuring):
    """Peak memory of a training step and parameters, models by sides (Fig. 6, Table VII)."""

    def _result(self, course: Course) -> Result:
        from hagan.experiments.memory import measure_memory, memory_result

        facts = self._facts(course)
        return memory_result(measure_memory(course, dry_run=self.dry_run), course, facts)


@dataclass(frozen=True)
class SpeedExperiment(Measuring):
    """Training steps a second and each phase's share, models by sides (Table VIII)."""

    repeats: int = 3
    """Processes a cell, the models in turn."""
    steps: int = 16
    """Steps that count in each process, at most."""
    seconds: float = 60.0
    """After which a process times no further step; one it always does."""
    warm_up: int = 1
    """Steps before those that count."""

    def _check(self) -> None:
        super()._check()
        if min(self.repeats, self.steps) < 1 or not self.seconds > 0 or self.warm_up < 0:
            raise UsageError(
                "--repeats and --steps are at least 1, --seconds is above 0, --warm-up at least 0"
            )

    def _result(self, course: Course) -> Result:
        from hagan.experiments.speed import Timing, measure_speed, speed_result

        facts = self._facts(course)
        timing = Timing(self.repeats, self.steps, self.seconds, self.warm_up)
        rows = measure_speed(course, timing, dry_run=self.dry_run)
        return speed_result(rows, course, timing, facts)


Experiment = (
    Annotated[SynthesisExperiment, tyro.conf.subcommand("synthesis")]
    | Annotated[AblationExperiment, tyro.conf.subcommand("ablation")]
    | Annotated[AugmentationExperiment, tyro.conf.subcommand("augmentation")]
    | Annotated[ClinicalExperiment, tyro.conf.subcommand("clinical")]
    | Annotated[LatentExperiment, tyro.conf.subcommand("latent")]
    | Annotated[RecipeExperiment, tyro.conf.subcommand("recipe")]
    | Annotated[MemoryExperiment, tyro.conf.subcommand("memory")]
    | Annotated[SpeedExperiment, tyro.conf.subcommand("speed")]
    | Annotated[AllExperiments, tyro.conf.subcommand("all")]
)
"""What `hagan experiment` is followed by."""

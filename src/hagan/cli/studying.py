"""Flags of experiments that train and judge models on a cohort."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from hagan.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from hagan.experiments.study import Study
    from hagan.experiments.tables import Result


@dataclass(frozen=True)
class Studying(ABC):
    """Flags of experiments that train and judge models, each run in a process of its own."""

    out: Path
    """Folder for everything; the same command goes on in it, and experiments share their runs."""
    scale: Literal["tiny", "small", "paper"] = "tiny"
    """Sizes, counts and minutes: tiny for two CPU cores, paper for a cluster."""
    store: tuple[Path, ...] = ()
    """Stores of the same scans, one a side; by default phantoms are made."""
    cohorts: tuple[Literal["thorax", "brain"], ...] = ("thorax",)
    """Kinds of phantoms, where there is no --store."""
    minutes: float | None = None
    """Of training for each model, instead of the scale's."""
    folds: int | None = None
    """How many of the five folds are run, instead of the scale's."""
    samples: int | None = None
    """Generated volumes that are judged, instead of the scale's."""
    phantoms: int | None = None
    """In a cohort, instead of the scale's."""
    seed: int = 0
    """Of phantoms, training and samples."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes CUDA where there is any."""
    workers: int | None = None
    """Runs at a time; by default one a core on a CPU and one on a GPU."""
    json: bool = False
    """Print the results as JSON."""

    def run(self) -> int:
        """Do what was not done yet, and write the results; returns the exit code."""
        from hagan.experiments.machine import facts

        self._check()
        console = Console(highlight=False, soft_wrap=True, stderr=self.json)
        device = self._device()
        study = self._study(device, console)
        found = {**facts(device, study.jobs.threads), **self._facts(study)}
        result = self._result(study, found)
        written = result.write(self.out / result.what)
        if self.json:
            print(result.json_text(), end="")
        else:
            from hagan.cli.results import show_result

            show_result(result, console)
            console.print(f"\nwritten: {', '.join(map(str, written))}", markup=False)
        return 0 if result.is_complete else BadInputError.exit_code

    @abstractmethod
    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        """Run, and make tables of it."""

    def _check(self) -> None:
        """Refuse flags before anything heavy is loaded.

        Raises:
            UsageError: One that means nothing.
        """
        from hagan.experiments.scale import FOLDS

        for name in ("folds", "samples", "phantoms", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"--{name} {value} must be at least 1")
        if self.folds is not None and self.folds > FOLDS:
            raise UsageError(f"--folds {self.folds} must be at most {FOLDS}")
        if self.minutes is not None and not self.minutes > 0:
            raise UsageError(f"--minutes {self.minutes} must be above 0")
        if self.samples is not None and self.samples < 2:
            raise UsageError("--samples must be at least 2")

    def _study(self, device: str, console: Console) -> Study:
        from dataclasses import replace

        from hagan.experiments.answers import Answers
        from hagan.experiments.cohort import given, phantoms
        from hagan.experiments.jobs import Jobs
        from hagan.experiments.scale import SCALES
        from hagan.experiments.study import Study

        changes = {
            name: getattr(self, name)
            for name in ("folds", "samples", "phantoms")
            if getattr(self, name) is not None
        }
        scale = replace(SCALES[self.scale], **changes)
        if self.store:
            cohorts = [given(self.store)]
        else:
            sides = sorted({min(scale.side, scale.largest_rival), scale.side})
            cohorts = [
                phantoms(kind, self.out, sides, scale.phantoms, self.seed)
                for kind in dict.fromkeys(self.cohorts)
            ]
        cores = os.cpu_count() or 1
        workers = self.workers or (1 if device == "cuda" else cores)

        def tell(line: str) -> None:
            console.print(line, markup=False)

        return Study(
            out=self.out,
            scale=scale,
            cohorts=tuple(cohorts),
            jobs=Jobs(
                self.out / "jobs", workers=workers, threads=max(cores // workers, 1), tell=tell
            ),
            answers=Answers(self.out / "answers"),
            seed=self.seed,
            device=device,
            minutes=self.minutes or scale.minutes,
            tell=tell,
        )

    def _facts(self, study: Study) -> dict[str, str | int | float]:
        return {
            "scale": study.scale.name,
            "side": study.scale.side,
            "cohorts": ", ".join(cohort.title for cohort in study.cohorts),
            "folds": study.scale.folds,
            "training of a model": (
                "the recipe's steps" if study.minutes is None else f"{study.minutes:g} min"
            ),
            "samples": study.scale.samples,
            "seed": study.seed,
            "runs at a time": study.jobs.workers,
        }

    def _device(self) -> str:
        """The kind of device.

        Raises:
            UsageError: One that is not there.
        """
        import torch

        has_cuda = torch.cuda.is_available()
        if self.device == "auto":
            return "cuda" if has_cuda else "cpu"
        if self.device == "cuda" and not has_cuda:
            raise UsageError("--device cuda: there is none here; take --device cpu")
        return self.device


@dataclass(frozen=True)
class SynthesisExperiment(Studying):
    """Models trained and judged alike over folds, with t-tests (Tables II, III, Fig. 3, 4)."""

    models: tuple[str, ...] = ()
    """Families without the ending of their form, such as hagan wgan; the first one is tested
    against the others; by default the paper's."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.synthesis import MODELS, synthesis

        return synthesis(study, tuple(dict.fromkeys(self.models)) or MODELS, facts)


@dataclass(frozen=True)
class AblationExperiment(Studying):
    """HA-GAN less one part at a time, and with other forms of its parts (Table IV and beyond)."""

    only_table: bool = False
    """Run the variants of Table IV alone."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.ablation import ablation

        return ablation(study, facts, beyond=not self.only_table)

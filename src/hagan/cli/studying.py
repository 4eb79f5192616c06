"""Flags of experiments that train and judge models on a cohort."""

from __future__ import annotations

import json
import os
import shlex
import sys
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

REPORT = "report.html"


@dataclass(frozen=True)
class Studying:
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
    nearest: bool = False
    """Stretch the volumes of models that stop at 128 by repeating voxels, and not linearly."""
    seed: int = 0
    """Of phantoms, training and samples."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes CUDA where there is any."""
    workers: int | None = None
    """Runs at a time; by default one a core on a CPU and one on a GPU."""
    json: bool = False
    """Print the results as JSON."""

    def _opened(self) -> tuple[Study, dict[str, str | int | float], Console]:
        """The study, the facts of machine and settings, and where to tell."""
        from hagan.experiments.machine import facts

        self._check()
        console = Console(highlight=False, soft_wrap=True, stderr=self.json)
        device = self._device()
        study = self._study(device, console)
        return study, {**facts(device, study.jobs.threads), **self._facts(study)}, console

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
            sides = sorted({scale.rival_side, scale.side})
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
            nearest=self.nearest,
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
class OneExperiment(Studying, ABC):
    """A single table or figure."""

    def run(self) -> int:
        """Do what was not done yet, and write the results; returns the exit code."""
        study, facts, console = self._opened()
        result = self._result(study, facts)
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


@dataclass(frozen=True)
class SynthesisExperiment(OneExperiment):
    """Models trained and judged alike over folds, with t-tests (Tables II, III, Fig. 3, 4)."""

    models: tuple[str, ...] = ()
    """Families without the ending of their form, such as hagan wgan; the first one is tested
    against the others; by default the paper's."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.synthesis import MODELS, synthesis

        return synthesis(study, tuple(dict.fromkeys(self.models)) or MODELS, facts)


@dataclass(frozen=True)
class AblationExperiment(OneExperiment):
    """HA-GAN less one part at a time, and with other forms of its parts (Table IV and beyond)."""

    only_table: bool = False
    """Run the variants of Table IV alone."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.ablation import ablation

        return ablation(study, facts, beyond=not self.only_table)


@dataclass(frozen=True)
class AugmentationExperiment(OneExperiment):
    """A classifier of stages trained with generated scans beside real ones (Table V)."""

    models: tuple[str, ...] = ()
    """Families with a class-conditional form; the first one's share is varied; by default the
    paper's."""
    seeds: int | None = None
    """Classifiers a set, instead of the scale's."""

    def _check(self) -> None:
        super()._check()
        if self.seeds is not None and self.seeds < 2:
            raise UsageError(f"--seeds {self.seeds} must be at least 2: chance is measured by them")

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from dataclasses import replace

        from hagan.experiments.augmentation import MODELS, augmentation

        if self.seeds is not None:
            study = replace(study, scale=replace(study.scale, seeds=self.seeds))
        return augmentation(study, tuple(dict.fromkeys(self.models)) or MODELS, facts)


@dataclass(frozen=True)
class ClinicalExperiment(OneExperiment):
    """Clinical quantities from encoded latents by ridge regression (Table VI)."""

    models: tuple[str, ...] = ()
    """Families that encode; by default the paper's."""
    targets: tuple[str, ...] = ()
    """Numeric columns of the scans' table, "log COLUMN" for a logarithm; by default the paper's
    for phantoms, and of a --store every numeric column."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.clinical import MODELS, clinical

        return clinical(study, tuple(dict.fromkeys(self.models)) or MODELS, self.targets, facts)


@dataclass(frozen=True)
class LatentExperiment(OneExperiment):
    """Directions of anatomy in latent space, moved along and measured (Fig. 5)."""

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.experiments.latent import latent

        return latent(study, facts)


@dataclass(frozen=True)
class AllExperiments(Studying):
    """Every experiment on models and cohorts, and one report.html."""

    def run(self) -> int:
        """Do what was not done yet, and write all results and the page; returns the exit code."""
        from hagan.cli.results import show_result
        from hagan.data.files import write_bytes_atomically
        from hagan.experiments.everything import EXPERIMENTS, report_page

        study, facts, console = self._opened()
        results = []
        for name, experiment in EXPERIMENTS.items():
            console.print(f"{name}:", markup=False)
            result = experiment(study, facts)
            result.write(self.out / result.what)
            show_result(result, console)
            results.append(result)
        page = report_page(results, facts, shlex.join(["hagan", *sys.argv[1:]]))
        write_bytes_atomically(self.out / REPORT, page.html().encode())
        if self.json:
            print(json.dumps({result.what: json.loads(result.json_text()) for result in results}))
        console.print(f"\nNext: open {self.out / REPORT}", markup=False)
        complete = all(result.is_complete for result in results)
        return 0 if complete else BadInputError.exit_code

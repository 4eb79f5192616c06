"""Jobs that judge runs, and what they found: values of each fold, features, samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.evaluation.folds import read_fold
from hagan.evaluation.given_features import GIVEN, read_features
from hagan.experiments.cohort import Cohort
from hagan.experiments.jobs import Job
from hagan.experiments.study import Study, fold_flag
from hagan.inference.sampler import Sampler

CELL_RESAMPLES = 0
"""Intervals come from folds here, not from a bootstrap within one."""


@dataclass(frozen=True)
class Judgement:
    """A run to be judged, and where the results are."""

    jobs: tuple[Job, ...]
    """The last one judges."""
    out: Path
    fake: Path
    """The run, or its samples as files."""

    @property
    def name(self) -> str:
        """Of the job that judges."""
        return self.jobs[-1].name

    def values(self) -> dict[tuple[str, str], float]:
        """What was found, by heading and metric.

        Raises:
            BadInputError: There are no such results.
        """
        return {key: score.value for key, score in read_fold(self.out).items()}

    def floors(self) -> dict[tuple[str, str], float]:
        """What as many training scans would score, by heading and metric, where that is known.

        Raises:
            BadInputError: There are no such results.
        """
        return {
            key: score.floor
            for key, score in read_fold(self.out).items()
            if score.floor is not None
        }

    def features(self, extractor: str) -> dict[str, NDArray[np.float64]]:
        """Features [n, f] of the `real`, the `train` and the `fake` volumes.

        Raises:
            BadInputError: There are no such features.
        """
        folder = self.out / "features" / extractor
        names = {"real": "real", "train": "train", "fake": self.fake.name}
        return {
            name: read_features(folder / f"{file}.npz", name).measured.values[GIVEN]
            for name, file in names.items()
        }


def judgement(
    study: Study,
    cohort: Cohort,
    training: Job,
    run: Path,
    fold: int,
) -> Judgement:
    """The jobs that judge a run against a fold's held-out part.

    Volumes of a smaller side are made as files and stretched by trilinear interpolation, as the
    paper does with the baselines of 128 at 256, or by repeating voxels.

    Args:
        study: Whose folder and counts.
        cohort: Whose held-out scans.
        training: The job that leaves the run.
        run: The run.
        fold: Which one.
    """
    name, side = training.name.removeprefix("train/"), study.scale.side
    stretched = side != _side_of(training)
    manner = "-nearest" if stretched and study.nearest else ""
    out = study.out / "evaluations" / f"{name}-at-{side}{manner}"
    count = str(study.scale.samples)
    fake, jobs = run, []
    needs = (training.name, *cohort.needs(side))
    flags: tuple[str, ...] = ()
    if stretched:
        fake = study.out / "samples" / name
        made = Job(
            name=f"generate/{name}",
            command=(
                *("generate", str(run), str(fake), "--count", count),
                *("--seed", str(study.seed), "--device", study.device),
            ),
            needs=(training.name,),
        )
        jobs.append(made)
        needs = (made.name, *cohort.needs(side))
        flags = ("--resample", "--nearest") if study.nearest else ("--resample",)
    jobs.append(
        Job(
            name=f"evaluate/{name}-at-{side}{manner}",
            command=(
                *("evaluate", str(fake), "--real", str(cohort.store(side))),
                *("--fold", fold_flag(fold), "--out", str(out), "--count", count),
                *("--resamples", str(CELL_RESAMPLES), "--no-anchors"),
                *("--cache", str(study.out / "cache"), "--device", study.device),
                *("--seed", str(study.seed), *flags),
            ),
            needs=needs,
        )
    )
    return Judgement(tuple(jobs), out, fake)


def samples(study: Study, run: Path, count: int) -> list[NDArray[np.float32]]:
    """The first volumes [d, h, w] of a run's samples, in [-1, 1].

    Raises:
        BadInputError: It has no weights.
    """
    sampler = Sampler.from_run(run, study.device, encodes=False)
    made = []
    for index in range(count):
        codes = sampler.latents(index, seed=study.seed)
        label = (
            index % sampler.loaded.model.num_classes if sampler.loaded.model.num_classes else None
        )
        labels = sampler.labels(label, sampler.conditions(index, seed=study.seed, label=label))
        made.append(np.concatenate(list(sampler.slabs(codes, labels))))
    return made


def _side_of(training: Job) -> int:
    """The side of a training job's recipe."""
    return int(training.command[1].rsplit("-", 1)[1])

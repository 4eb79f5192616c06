"""Table V: does a classifier of disease stages gain from generated scans?

Generators see a fold's training subjects alone, and classifiers are judged on those held back. Each
set is trained on with several seeds, since a gain means nothing beside their spread; repeated real
scans stand beside generated ones, since a larger set also means more steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.pool import run_in_processes
from hagan.data.store import Store
from hagan.errors import OutOfMemoryError, UsageError
from hagan.evaluation.classification import in_proportion
from hagan.evaluation.classifier import EPOCHS
from hagan.experiments.augmentation_tables import (
    REAL,
    REPEATED,
    augmentation_curve,
    augmentation_reading,
    augmentation_tables,
)
from hagan.experiments.classifying import Cell, classify
from hagan.experiments.cohort import Cohort
from hagan.experiments.generated import labelled_samples
from hagan.experiments.study import Study, fold_flag
from hagan.experiments.tables import Picture, Result, Table, drawn, not_done

MODELS = ("hagan", "alpha-gan")
"""The first one's share is varied."""

FOLD = 0
SHARE = 0.2
"""Of a training set that is generated: the paper's."""

SHARES = (0.1, 0.2, 0.4)
"""Of the curve."""


@dataclass(frozen=True)
class Mixture:
    """What classifiers are trained on."""

    name: str
    model: str | None
    """Whose volumes are added; None for none, or for real scans again."""
    share: float
    """Of the whole that is added."""

    def added(self, real: int) -> int:
        """Volumes to add to so many real ones."""
        return round(self.share / (1 - self.share) * real)


def mixtures(models: Sequence[str]) -> list[Mixture]:
    """Real, repeated, each model's, and the first one's at other shares."""
    found = [Mixture(REAL, None, 0.0), Mixture(REPEATED, None, SHARE)]
    found += [Mixture(f"{REAL} + {model}", model, SHARE) for model in models]
    found += [
        Mixture(f"{REAL} + {models[0]}, {share:.0%}", models[0], share)
        for share in SHARES
        if share != SHARE
    ]
    return found


def augmentation(study: Study, models: Sequence[str], facts: Mapping[str, Any]) -> Result:
    """Train generators, then classifiers, and compare.

    Args:
        study: Where and how large; cohorts without classes are refused.
        models: Families with a class-conditional form, without the ending of their form.
        facts: Of the machine and the settings.

    Raises:
        UsageError: A cohort has no classes, or a model no recipe at the study's scale.
        InterruptedRunError: A signal; the same call goes on.
        OutOfMemoryError: A classifier's process was killed.
    """
    side = study.scale.rival_side
    cohorts = [
        cohort for cohort in study.cohorts if cohort.name != "brain" or not cohort.is_phantom
    ]
    if not cohorts:
        raise UsageError("brain phantoms have no classes; take --cohorts thorax, or --store")
    trainings = {
        (cohort.name, model): study.training(
            study.scale.recipe(model, side),
            cohort,
            FOLD,
            variant="conditional",
            flags=("--conditional",),
        )
        for cohort in cohorts
        for model in models
    }
    ended = study.do(list(trainings.values()))
    rows: list[dict[str, Any]] = []
    for cohort in cohorts:
        trained = [m for m in models if ended[trainings[cohort.name, m].name].status == "done"]
        if trained or cohort.store(side).is_dir():
            rows += _rows(study, cohort, trained, models)
    tables: list[Table] = []
    pictures: dict[str, Picture] = {}
    for cohort in cohorts:
        own = [row for row in rows if row["cohort"] == cohort.name]
        if own:
            tables += augmentation_tables(cohort, own)
            pictures |= drawn(
                f"augmentation-{cohort.name}",
                augmentation_curve(own, models[0]),
                f"{cohort.title}: accuracy by the share of {models[0]}'s volumes",
            )
    mine = {job.name: ended[job.name] for job in trainings.values()}
    return Result(
        what="augmentation",
        title=f"Augmentation of a classifier by generated scans at side {side} (Table V)",
        rows=rows,
        tables=[*tables, *not_done(mine)],
        pictures=pictures,
        facts={**facts, "classifiers a set": study.scale.seeds, "epochs": EPOCHS},
        reading=augmentation_reading(rows, models),
        is_complete=all(one.status in ("done", "elsewhere") for one in mine.values()),
    )


def _rows(
    study: Study, cohort: Cohort, trained: Sequence[str], models: Sequence[str]
) -> list[dict[str, Any]]:
    """A row a mixture: what was found with each seed."""
    side = study.scale.rival_side
    store = Store.open(cohort.store(side))
    if not store.class_names:
        raise UsageError(
            f"{store.path} has no classes; prepare it with --labels TABLE --label-column COLUMN"
        )
    part = VolumeDataset(store, Fold.parse(fold_flag(FOLD)), only_labelled=True)
    real = [entry.label for entry in part.entries if entry.label is not None]
    classes = len(store.class_names)
    wanted = [one for one in mixtures(models) if one.model is None or one.model in trained]
    most = {
        model: max(one.added(len(real)) for one in wanted if one.model == model)
        for model in trained
    }
    pools = {}
    for model, count in most.items():
        labels = in_proportion(real, count, classes)
        run = study.run_of(study.scale.recipe(model, side), cohort, FOLD, variant="conditional")
        folder = study.out / "samples" / cohort.name / f"{model}-conditional"
        study.tell(f"{count} volumes of {model} with classes, for {cohort.name}")
        path = labelled_samples(run, labels, folder, study.seed, study.device)
        pools[model] = (path, tuple(labels))
    cells: dict[str, Cell] = {}
    for one in wanted:
        pool = pools[one.model] if one.model else None
        for seed in range(study.scale.seeds):
            cells[f"classifier/{cohort.name}/{_flat(one.name)}-{seed}"] = Cell(
                store=store.path,
                fold=fold_flag(FOLD),
                added=one.added(len(real)),
                generated=None if pool is None else pool[0],
                labels=() if pool is None else pool[1],
                seed=study.seed + seed,
                epochs=EPOCHS,
                device=study.device,
            )
    scans = [f"{entry.source_sha256} {entry.label}" for entry in store.entries]
    answers = _answers(study, cells, scans)
    return [
        {
            "cohort": cohort.name,
            "is_phantom": cohort.is_phantom,
            "set": one.name,
            "model": one.model,
            "share": one.share,
            "classes": list(store.class_names),
            "by_seed": [
                answers[f"classifier/{cohort.name}/{_flat(one.name)}-{seed}"]
                for seed in range(study.scale.seeds)
            ],
        }
        for one in wanted
    ]


def _answers(
    study: Study, cells: Mapping[str, Cell], scans: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What was found of each cell, now or before; cells run as many at a time as jobs do."""
    questions = {name: cell.question | {"scans": list(scans)} for name, cell in cells.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, question in questions.items():
        kept = study.answers.kept(name, question)
        if kept is not None:
            found[name] = kept
    missing = {cell: name for name, cell in cells.items() if name not in found}
    for cell, answer in run_in_processes(classify, list(missing), study.jobs.workers):
        name = missing[cell]
        if answer is None:
            raise OutOfMemoryError(f"{name}: its process was killed; take fewer --workers")
        found[name] = study.answers.keep(name, questions[name], answer)
        study.tell(f"{name}: accuracy {answer['accuracy']:.3f}")
    return found


def _flat(name: str) -> str:
    return name.replace(" + ", "-").replace(", ", "-").replace("%", "").replace(" ", "-")

"""Table VI: clinical quantities from encoded latents by ridge regression, beside floors.

Fitted on a fold's training subjects and judged on those held back, with the paper's penalty and
with one that is chosen within the training subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hagan.data.dataset import Fold
from hagan.data.store import Store
from hagan.evaluation.regression import PAPER_PENALTY, fit_ridge, r_squared, r_squared_interval
from hagan.experiments.answers import digest_of
from hagan.experiments.clinical_tables import FLOOR, clinical_reading, clinical_tables
from hagan.experiments.clinical_targets import Target, targets_of
from hagan.experiments.codes import Codes, encoding
from hagan.experiments.cohort import Cohort
from hagan.experiments.floors import Features, network_features, principal_components
from hagan.experiments.jobs import Job
from hagan.experiments.study import Study, fold_flag
from hagan.experiments.tables import Result, not_done

MODELS = ("hagan", "alpha-gan", "vae-gan")
"""Those of Table VI that encode."""

PENALTIES: Mapping[str, float | None] = {"1e-4 (paper)": PAPER_PENALTY, "chosen": None}


@dataclass(frozen=True, eq=False)
class Source:
    """Features of every scan that quantities are predicted from, in one fold."""

    name: str
    fold: int
    features: Callable[[], Features]
    """Finds them."""
    asked: Mapping[str, Any]
    """What they depend on, besides the scans and the fold."""


@dataclass(frozen=True)
class Encoding:
    """The job that encodes a cohort's scans with one model, and what it leaves."""

    cohort: Cohort
    fold: int
    model: str
    job: Job
    path: Path


def clinical(
    study: Study, models: Sequence[str], targets: Sequence[str], facts: Mapping[str, Any]
) -> Result:
    """Train, encode, regress and judge.

    Args:
        study: Where and how large.
        models: Families that encode, without the ending of their form.
        targets: Columns, `log ` before one for its logarithm; of each cohort its own if none.
        facts: Of the machine and the settings.

    Raises:
        UsageError: A model has no recipe at the study's scale, or a target means nothing.
        InterruptedRunError: A signal; the same call goes on.
    """
    planned, jobs = [], []
    for cohort in study.cohorts:
        for fold in study.folds:
            for model in models:
                recipe = study.scale.recipe(model)
                training = study.training(recipe, cohort, fold)
                job, path = encoding(study, cohort, training, study.run_of(recipe, cohort, fold))
                jobs += [training, job]
                planned.append(Encoding(cohort, fold, model, job, path))
    ended = study.do(jobs)
    rows: list[dict[str, Any]] = []
    for cohort in study.cohorts:
        done = [p for p in planned if p.cohort == cohort and ended[p.job.name].status == "done"]
        if done:
            store = Store.open(cohort.store(study.scale.side))
            chosen = [Target(name) for name in targets or targets_of(cohort, store)]
            rows += _judged(study, cohort, store, chosen, _sources(study, store, done))
    mine = {one.job.name: ended[one.job.name] for one in planned}
    return Result(
        what="clinical",
        title="Clinical quantities from encoded latents (Table VI)",
        rows=rows,
        tables=[*clinical_tables(study.cohorts, rows), *not_done(mine)],
        pictures={},
        facts=facts,
        reading=clinical_reading(rows),
        is_complete=all(one.status in ("done", "elsewhere") for one in mine.values()),
    )


def _sources(study: Study, store: Store, encodings: Sequence[Encoding]) -> list[Source]:
    """Codes of each model, and the floors."""
    sources = []
    for one in encodings:
        codes = Codes.read(one.path)
        asked = {"codes": codes.weights_sha256}
        sources.append(Source(one.model, one.fold, partial(dict, codes.by_scan), asked))
    for fold in study.folds:
        components = partial(principal_components, store, Fold.parse(fold_flag(fold)))
        for name, find in (
            ("PCA of the voxels", components),
            ("random ResNet-10", partial(network_features, store)),
        ):
            sources.append(Source(FLOOR + name, fold, find, {"floor": name}))
    return sources


def _judged(
    study: Study,
    cohort: Cohort,
    store: Store,
    targets: Sequence[Target],
    sources: Sequence[Source],
) -> list[dict[str, Any]]:
    """A row for each source, target and penalty: predictions of held-out scans of all folds."""
    found: dict[tuple[str, str, str], dict[str, list[Any]]] = {}
    added = {target.name: target.values(store.entries)[1] for target in targets}
    hashes = [entry.source_sha256 for entry in store.entries]
    values = digest_of(*(str(target.values(store.entries)[0].tolist()) for target in targets))
    for source in sources:
        question = {
            **source.asked,
            "fold": fold_flag(source.fold),
            "targets": [target.name for target in targets],
            "values": values,
            "scans": hashes,
            "side": study.scale.side,
        }
        name = source.name.replace(": ", "-").replace(" ", "-")
        answer = study.answers.get(
            f"clinical/{cohort.name}/{name}-{source.fold}",
            question,
            partial(_predicted, store, source, targets),
        )
        for target, by_penalty in answer.items():
            for penalty, cell in by_penalty.items():
                kept = found.setdefault((source.name, target, penalty), {})
                for key, values in cell.items():
                    kept.setdefault(key, []).append(values)
    rows = []
    for (name, target, penalty), cell in found.items():
        truth = np.concatenate(cell["truth"])
        predicted = np.concatenate(cell["predicted"])
        subjects = [subject for part in cell["subjects"] for subject in part]
        low, high = r_squared_interval(truth, predicted, subjects=subjects, seed=study.seed)
        rows.append(
            {
                "cohort": cohort.name,
                "is_phantom": cohort.is_phantom,
                "features": name,
                "target": target,
                "penalty": penalty,
                "r_squared": r_squared(truth, predicted),
                "low": low,
                "high": high,
                "by_fold": [
                    r_squared(np.array(one), np.array(other))
                    for one, other in zip(cell["truth"], cell["predicted"], strict=True)
                ],
                "trained_on": cell["trained_on"],
                "held_out": len(truth),
                "added_before_log": added[target],
            }
        )
    return rows


def _predicted(store: Store, source: Source, targets: Sequence[Target]) -> dict[str, Any]:
    """Predictions of the held-out scans of one fold, by target and penalty."""
    fold, features = Fold.parse(fold_flag(source.fold)), source.features()
    entries = [entry for entry in store.entries if entry.source in features]
    matrix = np.stack([features[entry.source] for entry in entries])
    held = np.array([fold.holds_back(entry.subject) for entry in entries])
    answer: dict[str, Any] = {}
    for target in targets:
        values, _ = target.values(entries)
        known = np.isfinite(values)
        train, test = known & ~held, known & held
        answer[target.name] = {}
        for name, penalty in PENALTIES.items():
            fit = fit_ridge(matrix[train], values[train], penalty)
            answer[target.name][name] = {
                "truth": values[test].tolist(),
                "predicted": fit.predict(matrix[test]).tolist(),
                "subjects": [e.subject for e, one in zip(entries, test, strict=True) if one],
                "trained_on": int(train.sum()),
            }
    return answer

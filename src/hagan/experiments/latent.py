"""Fig. 5: directions of anatomy in latent space, and whether volumes are as asked.

Each cell is a command line: `hagan direction` on a fold's training subjects, then `hagan traverse`
from drawn codes and from held-out scans.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan.config.evaluation import TRAVERSAL_PICTURE as PICTURE
from hagan.config.evaluation import TRAVERSAL_RESULTS as RESULTS
from hagan.evaluation.regions import sizes_of
from hagan.experiments.cohort import Cohort
from hagan.experiments.jobs import Job
from hagan.experiments.study import Study, fold_flag
from hagan.experiments.tables import Picture, Result, Table, not_done, number
from hagan.inference.latent_space import Direction

MODEL = "hagan"
FOLD = 0
COUNT = 6
"""Codes that are moved, and held-out scans that are edited."""


@dataclass(frozen=True)
class Way:
    """One manner of moving codes."""

    name: str
    flags: tuple[str, ...]
    edits_scans: bool = False


WAYS = (
    Way("drawn codes", ("--along", "data")),
    Way("drawn codes, the paper's way", ("--along", "weights")),
    Way("held-out scans", ("--along", "data"), edits_scans=True),
)

LITTLE = 0.1
"""R2 on unseen subjects, below which a direction is of no use."""

WELL, BADLY = 0.7, 0.3
"""Rank correlations above and below which measured follows asked, or hardly does."""

HELD = "the largest region held"
"""A further way of the smaller regions: large people have large bones."""


@dataclass(frozen=True)
class Traversal:
    """One target moved in one way."""

    cohort: Cohort
    target: str
    way: str
    direction: Path
    out: Path
    job: Job


def latent(study: Study, facts: Mapping[str, Any]) -> Result:
    """Train, fit, move, generate and measure.

    Args:
        study: Where and how large.
        facts: Of the machine and the settings.

    Raises:
        UsageError: A cohort is neither of thorax CT nor of brains.
        InterruptedRunError: A signal; the same call goes on.
    """
    jobs, traversals = [], []
    for cohort in study.cohorts:
        made, found = _planned(study, cohort)
        jobs += made
        traversals += found
    ended = study.do(jobs)
    done = [one for one in traversals if ended[one.job.name].status == "done"]
    mine = {one.job.name: ended[one.job.name] for one in traversals}
    rows = [_row(one) for one in done]
    pictures = {
        f"latent-{one.cohort.name}-{one.target}": Picture(
            (one.out / PICTURE).read_bytes(),
            f"Fig. 5: {one.cohort.title}, {one.target} asked > measured, outlined",
        )
        for one in done
        if one.way == WAYS[0].name
    }
    return Result(
        what="latent",
        title="Directions in latent space (Fig. 5)",
        rows=rows,
        tables=[_table(rows), *not_done(mine)],
        pictures=pictures,
        facts=facts,
        reading=_reading(rows),
        is_complete=all(one.status in ("done", "elsewhere") for one in mine.values()),
    )


def _planned(study: Study, cohort: Cohort) -> tuple[list[Job], list[Traversal]]:
    recipe = study.scale.recipe(MODEL)
    training = study.training(recipe, cohort, FOLD)
    run = str(study.run_of(recipe, cohort, FOLD))
    store = str(cohort.store(study.scale.side))
    where = study.out / "directions" / cohort.name
    targets = list(sizes_of(cohort.modality))
    device = ("--device", study.device)
    jobs, traversals = [training], []
    paths = {target: where / f"{target}.npz" for target in targets}
    for target in targets:
        fit = Job(
            name=f"direction/{cohort.name}/{target}",
            command=(
                *("direction", run, store, str(paths[target]), "--target", target),
                *("--fold", fold_flag(FOLD), *device),
            ),
            needs=(training.name,),
        )
        jobs.append(fit)
        ways = list(WAYS)
        needs = [fit.name]
        if target != targets[0]:
            ways.append(Way(f"{HELD} ({targets[0]})", ("--hold", str(paths[targets[0]]))))
            needs.append(f"direction/{cohort.name}/{targets[0]}")
        for number_, way in enumerate(ways):
            out = where / f"{target}-{number_}"
            flags = way.flags
            if way.edits_scans:
                flags += ("--scans", store, "--fold", fold_flag(FOLD))
            job = Job(
                name=f"traverse/{cohort.name}/{target}-{number_}",
                command=(
                    *("traverse", run, str(paths[target]), str(out), "--count", str(COUNT)),
                    *("--seed", str(study.seed), *device, *flags),
                ),
                needs=tuple(needs),
            )
            jobs.append(job)
            traversals.append(Traversal(cohort, target, way.name, paths[target], out, job))
    return jobs, traversals


def _row(one: Traversal) -> dict[str, Any]:
    results = json.loads((one.out / RESULTS).read_text("utf-8"))
    direction = Direction.load(one.direction)
    return {
        "cohort": one.cohort.name,
        "is_phantom": one.cohort.is_phantom,
        "target": one.target,
        "unit": direction.unit,
        "way": one.way,
        "r_squared_unseen": direction.facts["r_squared_unseen"],
        "spread": direction.facts["spreads"][one.target],
        **{name: results["agreement"][name] for name in results["agreement"]},
        "largest_distance": results["largest_distance"],
        "moved_with": {k: v for k, v in results["moved_with"].items() if k != one.target},
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    body = []
    for row in rows:
        others = ", ".join(
            f"{name} {number(value, 2)}" for name, value in row["moved_with"].items()
        )
        body.append(
            (
                row["cohort"],
                row["target"],
                row["way"],
                number(row["r_squared_unseen"], 2),
                number(row["rank"], 2),
                number(row["rank_within"], 2),
                number(row["monotone"], 2),
                number(row["slope"], 2),
                f"{number(row['error'])} {row['unit']}",
                number(row["spread"]),
                number(row["largest_distance"], 2),
                others,
            )
        )
    header = (
        *("cohort", "target", "what is moved", "R2 unseen", "rank", "rank within", "monotone"),
        *("slope", "mean error", "sd of scans", "furthest", "what else moved"),
    )
    return Table(
        "Asked and measured",
        header,
        tuple(body),
        "R2 unseen: of the regression, on subjects it was not fitted to. Rank: Spearman's "
        "correlation of asked and measured, over all volumes and within each start. Monotone: "
        "share of neighbouring steps that moved the asked way. Slope: measured change for 1 asked. "
        "Furthest: of a moved code from its start, in standard deviations of the prior a "
        "dimension. What else moved: from the lowest to the highest value, in standard deviations "
        "of the scans.",
    )


def _reading(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence a target, and what the paper's way does."""
    sentences = []
    by_way = {(row["cohort"], row["target"], row["way"]): row for row in rows}
    for row in rows:
        if row["way"] != WAYS[0].name:
            continue
        what, rank, slope = f"{row['cohort']}, {row['target']}", row["rank_within"], row["slope"]
        told = row["r_squared_unseen"]
        if not told >= LITTLE:
            sentences.append(
                f"{what}: the codes tell next to nothing of it (R2 {number(told, 2)} on unseen "
                "subjects), so that its direction means nothing."
            )
            continue
        if rank is not None:
            how = (
                "follows" if rank > WELL else "hardly follows" if rank < BADLY else "partly follows"
            )
            sentences.append(
                f"{what}: the measured size {how} the asked one (rank correlation "
                f"{number(rank, 2)} within a start) and changes by {number(slope, 2)} for 1 asked."
            )
        paper = by_way.get((row["cohort"], row["target"], WAYS[1].name))
        if paper is not None and paper["slope"] is not None:
            sentences.append(
                f"{what}: along the regression's weights, as in the paper, it changes by "
                f"{number(paper['slope'], 2)} for 1 asked."
            )
    if any(row["is_phantom"] for row in rows):
        sentences.append("Phantoms: these are figures of phantoms, no evidence about patients.")
    return sentences

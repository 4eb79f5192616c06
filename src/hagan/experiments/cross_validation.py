"""Contenders by folds: trained, judged alike, averaged, and tested against the first of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hagan.evaluation.bench import VOLUMES
from hagan.evaluation.scores import METRICS
from hagan.evaluation.significance import BaselineTest, Summary, against_baselines, summarise
from hagan.experiments.cohort import Cohort
from hagan.experiments.jobs import Ended
from hagan.experiments.judging import Judgement, judgement
from hagan.experiments.published import Beside
from hagan.experiments.study import Study
from hagan.experiments.tables import Table, number

LEVEL = 0.05

FLOOR = "floor: training scans"
"""What a perfect generator would score."""


@dataclass(frozen=True)
class Contender:
    """What is trained under a name of its own."""

    name: str
    recipe: str
    settings: tuple[str, ...] = ()
    """Changes of the recipe, as `hagan train --set` takes them."""

    @property
    def variant(self) -> str:
        """In the name of its run; none for a recipe as it is."""
        return self.name.replace(" ", "-") if self.settings else ""


@dataclass(frozen=True)
class Entry:
    """One contender in one fold."""

    cohort: Cohort
    contender: Contender
    fold: int
    judged: Judgement
    ended: Ended


def run_entries(study: Study, contenders: Sequence[Contender]) -> list[Entry]:
    """Have every contender trained and judged in every fold of every cohort.

    Raises:
        InterruptedRunError: A signal; the same call goes on.
    """
    planned, jobs = [], []
    for cohort in study.cohorts:
        for fold in study.folds:
            for one in contenders:
                training = study.training(
                    one.recipe, cohort, fold, variant=one.variant, settings=one.settings
                )
                run = study.run_of(one.recipe, cohort, fold, variant=one.variant)
                judged = judgement(study, cohort, training, run, fold)
                jobs += [training, *judged.jobs]
                planned.append((cohort, one, fold, judged))
    ended = study.do(jobs)
    return [Entry(*plan, ended[plan[3].name]) for plan in planned]


def rows_of(entry: Entry, side: int) -> list[dict[str, Any]]:
    """What was found of an entry, a row an extractor; none if it was not judged."""
    if entry.ended.status != "done":
        return []
    found, floors = entry.judged.values(), entry.judged.floors()
    return [
        {
            "cohort": entry.cohort.name,
            "is_phantom": entry.cohort.is_phantom,
            "model": entry.contender.name,
            "recipe": entry.contender.recipe,
            "settings": list(entry.contender.settings),
            "fold": entry.fold,
            "side": side,
            "extractor": heading,
            "scores": {metric: v for (other, metric), v in found.items() if other == heading},
            "floors": {metric: v for (other, metric), v in floors.items() if other == heading},
        }
        for heading in dict.fromkeys(heading for heading, _ in found)
    ]


def compared(
    cohort: Cohort,
    rows: Sequence[Mapping[str, Any]],
    metrics: Sequence[str],
    published: Beside,
) -> tuple[list[Table], list[str]]:
    """Tables of means and of tests, and sentences, of one cohort's rows."""
    tables: list[Table] = []
    reading: list[str] = []
    for heading in dict.fromkeys(row["extractor"] for row in rows):
        scores = scores_of(rows, heading, metrics)
        if not scores:
            continue
        floors = scores_of(rows, heading, metrics, "floors")
        tests = t_tests_of(scores)
        tables.append(means_table(cohort, heading, scores, floors, published))
        tables += t_test_tables(cohort, heading, tests)
        reading += sentences(cohort, heading, scores, tests)
    if cohort.is_phantom and reading:
        reading.append("These are figures of phantoms: no evidence about patients.")
    return tables, reading


Scores = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Values by metric, model and fold."""


def scores_of(
    rows: Sequence[Mapping[str, Any]], heading: str, metrics: Sequence[str], what: str = "scores"
) -> Scores:
    """The figures of one extractor, of the metrics that it has; `what` may be `floors` too."""
    scores: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row["extractor"] != heading:
            continue
        for metric in metrics:
            value = row[what].get(metric)
            if value is not None:
                scores.setdefault(metric, {}).setdefault(row["model"], {})[row["fold"]] = value
    return scores


def t_tests_of(scores: Scores) -> dict[str, list[BaselineTest]]:
    """The first model against each other one, by metric, over the folds that both have."""
    tests = {}
    for metric, by_model in scores.items():
        first, *rivals = by_model
        folds = set(by_model[first]).intersection(*(by_model[name] for name in rivals))
        if len(folds) < 2 or not rivals:
            continue
        better: Literal["lower", "higher"] = (
            "higher" if METRICS[metric].better == "higher" else "lower"
        )
        series = {name: [by_model[name][fold] for fold in sorted(folds)] for name in by_model}
        others = {name: series[name] for name in rivals}
        tests[metric] = against_baselines(series[first], others, better)
    return tests


def mean_of(values: Mapping[int, float]) -> str:
    """Mean and standard deviation over folds; one fold has no deviation."""
    if len(values) < 2:
        return number(next(iter(values.values()), None))
    summary: Summary = summarise(list(values.values()))
    return f"{number(summary.mean)} ± {number(summary.sd, 2)}"


def means_table(
    cohort: Cohort,
    heading: str,
    scores: Scores,
    floors: Scores,
    published: Beside,
) -> Table:
    """A row a contender: ours beside the paper's, where it has them; the floor below."""
    names = dict.fromkeys(name for by_name in scores.values() for name in by_name)
    paper = [] if published.side is None else [f"paper at {published.side}"]
    header = ["", "folds"]
    for metric in scores:
        header += [METRICS[metric].title, *paper]
    body = []
    for name in names:
        folds = max(len(by_name.get(name, {})) for by_name in scores.values())
        cells = [name, str(folds)]
        for metric, by_name in scores.items():
            cells.append(mean_of(by_name.get(name, {})))
            if paper:
                known = published.scores.get(name, {}).get(metric)
                cells.append("" if known is None else f"{known[0]:g} ± {known[1]:g}")
        body.append(tuple(cells))
    if floors:
        # The floor of a fold is the same beside every contender.
        cells = [FLOOR, ""]
        for metric in scores:
            by_fold = {f: v for own in floors.get(metric, {}).values() for f, v in own.items()}
            cells += [mean_of(by_fold), *([""] if paper else [])]
        body.append(tuple(cells))
    text = "Mean and standard deviation over folds."
    if paper:
        text += (
            " The paper's figures are of other scans and another extractor: compare ranks, not "
            "values."
        )
    what = "voxels" if heading == VOLUMES else f"features of {heading}"
    return Table(f"{cohort.title}, {what}", tuple(header), tuple(body), text)


def t_test_tables(
    cohort: Cohort, heading: str, tests: Mapping[str, Sequence[BaselineTest]]
) -> list[Table]:
    """The t-tests, a table a metric."""
    tables = []
    for metric, found in tests.items():
        body = tuple(
            (
                test.baseline,
                *(_p(test.student.p, test.student_holm), _p(test.welch.p, test.welch_holm)),
                "" if test.paired is None else _p(test.paired.p, test.paired_holm),
                "-" if math.isnan(test.hedges_g) else number(test.hedges_g),
            )
            for test in found
        )
        tables.append(
            Table(
                f"{cohort.title}, {heading}: is the first model's {METRICS[metric].title} better?",
                ("against", "Student", "Welch", "paired", "Hedges g"),
                body,
                "p of one-tailed t-tests over folds, after the stroke with Holm's correction; * "
                f"below {LEVEL}. Folds share training scans, so p is approximate.",
            )
        )
    return tables


def sentences(
    cohort: Cohort, heading: str, scores: Scores, tests: Mapping[str, Sequence[BaselineTest]]
) -> list[str]:
    """What the figures say, losses included."""
    said = []
    for metric, by_model in scores.items():
        means = {m: sum(v.values()) / len(v) for m, v in by_model.items()}
        sign = -1.0 if METRICS[metric].better == "higher" else 1.0
        order = sorted(means, key=lambda model: sign * means[model])
        first = next(iter(by_model))
        place = order.index(first) + 1
        title = METRICS[metric].title
        told = f"{cohort.title}, {heading}, {title}: {first} is number {place} of {len(order)}"
        told += f", {order[0]} is best" if place > 1 else ""
        won = [test.baseline for test in tests.get(metric, ()) if test.student_holm < LEVEL]
        if metric not in tests:
            told += "; one fold allows no test"
        elif won:
            told += f"; better than {', '.join(won)} at p < {LEVEL} after Holm's correction"
        else:
            told += "; against none is it better by more than chance between folds explains"
        said.append(f"{told}.")
    return said


def _p(p: float, corrected: float | None) -> str:
    if math.isnan(p) or corrected is None:
        return "no spread"
    star = "*" if p < LEVEL else ""
    return f"{p:.2g}{star} / {corrected:.2g}{'*' if corrected < LEVEL else ''}"


def failures(entries: Sequence[Entry]) -> list[Table]:
    """Entries that have no figures, and why; no table where all have them."""
    body = tuple(
        (e.cohort.name, e.contender.name, str(e.fold), e.ended.status, e.ended.why)
        for e in entries
        if e.ended.status != "done"
    )
    header = ("cohort", "model", "fold", "", "why")
    return [Table("Without figures", header, body)] if body else []

"""Table V as tables, a curve and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hagan.evaluation.significance import paired
from hagan.experiments.cohort import Cohort
from hagan.experiments.pictures import curve
from hagan.experiments.published import AUGMENTATION
from hagan.experiments.tables import Table, number

REAL, REPEATED = "real", "real, repeated"
"""Sets that no model adds to."""

LEVEL = 0.05


def augmentation_tables(cohort: Cohort, rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Accuracies of each set, and what was taken for what."""
    return [_accuracies(cohort, rows), *_confusions(rows)]


def _accuracies(cohort: Cohort, rows: Sequence[Mapping[str, Any]]) -> Table:
    real = _series(rows[0], "accuracy")
    body = []
    for row in rows:
        accuracy = _series(row, "accuracy")
        gain = accuracy - real
        paper = AUGMENTATION.get(row["set"])
        body.append(
            (
                row["set"],
                f"{row['share']:.0%}",
                _spread(accuracy),
                "" if paper is None else number(paper),
                "" if row["set"] == REAL else _spread(gain),
                _spread(_series(row, "macro_f1")),
                _spread(_series(row, "within_one")),
            )
        )
    first = rows[0]["by_seed"][0]
    body.append(("floor: the usual class", "", number(first["majority"]), "", "", "", ""))
    return Table(
        f"Accuracy on held-out scans of {cohort.title}",
        ("trained on", "added", "accuracy", "paper", "gain", "macro F1", "within one class"),
        tuple(body),
        f"Mean ± standard deviation over {len(real)} seeds of the classifier, {first['held_out']} "
        f"held-out scans, {first['trained_on']} real training scans. Gain: of each seed over real "
        "scans alone. The seeds share their scans and their generator, so that the spread holds "
        "neither's chance.",
    )


def _confusions(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """True against predicted classes, all seeds together, of real scans and of the paper's sets."""
    tables = []
    for row in rows:
        if row["set"] != REAL and row["set"] not in AUGMENTATION:
            continue
        total = np.sum([one["confusion"] for one in row["by_seed"]], axis=0)
        body = tuple(
            (name, *(str(int(n)) for n in line))
            for name, line in zip(row["classes"], total, strict=True)
        )
        tables.append(
            Table(
                f"Confusion, trained on {row['set']}",
                ("true class", *(f"said {name}" for name in row["classes"])),
                body,
            )
        )
    return tables


def augmentation_curve(rows: Sequence[Mapping[str, Any]], model: str) -> bytes:
    """A PNG: accuracy by the share of one model's volumes, with every seed."""
    own = [row for row in rows if row["set"] == REAL or row["model"] == model]
    points = {row["share"]: _series(row, "accuracy").tolist() for row in own}
    floor = rows[0]["by_seed"][0]["majority"]
    return curve(
        points, x="generated share", y="accuracy", title=model, levels={"the usual class": floor}
    )


def augmentation_reading(rows: Sequence[Mapping[str, Any]], models: Sequence[str]) -> list[str]:
    """Whether a gain is larger than the spread of seeds, in words."""
    sentences = []
    for cohort in dict.fromkeys(row["cohort"] for row in rows):
        by_set = {row["set"]: row for row in rows if row["cohort"] == cohort}
        real, repeated = (_series(by_set[name], "accuracy") for name in (REAL, REPEATED))
        for model in models:
            if f"{REAL} + {model}" not in by_set:
                continue
            ours = _series(by_set[f"{REAL} + {model}"], "accuracy")
            gain, spread = ours - real, float(real.std(ddof=1))
            p = paired(ours.tolist(), real.tolist(), "higher").p
            is_larger = gain.mean() > spread
            sentences.append(
                f"{cohort}: volumes of {model} change the accuracy by {gain.mean():+.3f}, which is "
                f"{'larger' if is_larger else 'not larger'} than the spread of seeds "
                f"({spread:.3f}; paired one-tailed p {number(p, 2)}"
                f"{'' if p < LEVEL else ', not significant'}); repeated real scans change it by "
                f"{(repeated - real).mean():+.3f}."
            )
        floor = by_set[REAL]["by_seed"][0]["majority"]
        if real.mean() <= floor + real.std(ddof=1):
            sentences.append(
                f"{cohort}: the classifier is no better than naming the usual class "
                f"({real.mean():.3f} against {floor:.3f}): nothing can be said of a gain."
            )
    if any(row["is_phantom"] for row in rows):
        sentences.append("Phantoms: these are figures of phantoms, no evidence about patients.")
    return sentences


def _series(row: Mapping[str, Any], metric: str) -> NDArray[np.float64]:
    return np.array([one[metric] for one in row["by_seed"]], np.float64)


def _spread(values: NDArray[np.float64]) -> str:
    if len(values) < 2:
        return number(float(values[0]))
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"

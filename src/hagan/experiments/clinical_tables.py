"""Table VI as tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hagan.experiments.cohort import Cohort
from hagan.experiments.published import CLINICAL
from hagan.experiments.tables import Table, number

FLOOR = "floor: "
"""Before the name of features that no GAN has learned."""


def clinical_tables(cohorts: Sequence[Cohort], rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """A table for each cohort and penalty: features by targets, the paper's figures beside."""
    tables = []
    for cohort in cohorts:
        own = [row for row in rows if row["cohort"] == cohort.name]
        for penalty in dict.fromkeys(row["penalty"] for row in own):
            some = [row for row in own if row["penalty"] == penalty]
            targets = list(dict.fromkeys(row["target"] for row in some))
            cells = {(row["features"], row["target"]): row for row in some}
            names = list(dict.fromkeys(row["features"] for row in some))
            header = ["features"]
            for target in targets:
                header += [target, *(["paper"] if target in CLINICAL else [])]
            body = []
            for name in names:
                line = [name]
                for target in targets:
                    row = cells[name, target]
                    ends = f"{number(row['low'], 2)} to {number(row['high'], 2)}"
                    line.append(f"{number(row['r_squared'])} ({ends})")
                    if target in CLINICAL:
                        line.append(number(CLINICAL[target].get(name)))
                body.append(tuple(line))
            tables.append(
                Table(
                    f"R2 on held-out subjects of {cohort.title}, penalty {penalty}",
                    tuple(header),
                    tuple(body),
                    _below(some),
                )
            )
    return tables


def _below(rows: Sequence[Mapping[str, Any]]) -> str:
    """What stands below a table of R2."""
    counts = sorted({count for row in rows for count in row["trained_on"]})
    text = (
        f"Trained on {' or '.join(map(str, counts))} scans a fold, judged on {rows[0]['held_out']} "
        "held-out ones in all, pooled over folds; 95 % intervals over held-out subjects. Below 0 a "
        "prediction is worse than the mean."
    )
    zeros = {row["target"]: row["added_before_log"] for row in rows if row["added_before_log"]}
    for target, added in zeros.items():
        text += f" {target} has zeros: {added:.3g} was added before the logarithm."
    return text


def clinical_reading(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each target the best of all, and where floors win."""
    sentences = []
    for cohort in dict.fromkeys(row["cohort"] for row in rows):
        for target in dict.fromkeys(row["target"] for row in rows if row["cohort"] == cohort):
            some = [row for row in rows if (row["cohort"], row["target"]) == (cohort, target)]
            models = [row for row in some if not row["features"].startswith(FLOOR)]
            floors = [row for row in some if row["features"].startswith(FLOOR)]
            if not models or not floors:
                continue
            model, floor = (
                max(part, key=lambda row: row["r_squared"]) for part in (models, floors)
            )
            wins = (
                "the floor wins" if floor["r_squared"] >= model["r_squared"] else "beats the floor"
            )
            sentences.append(
                f"{cohort}, {target}: the best encoder is {model['features']} "
                f"({number(model['r_squared'], 2)}, penalty {model['penalty']}); {wins} "
                f"({floor['features'].removeprefix(FLOOR)}, {number(floor['r_squared'], 2)})."
            )
    few = [row for row in rows if min(row["trained_on"]) < 1024]
    if few:
        sentences.append(
            "With fewer training scans than a code has entries a penalty of 1e-4 interpolates; the "
            "chosen one is the fairer figure."
        )
    if any(row["is_phantom"] for row in rows):
        sentences.append("Phantoms: these are figures of phantoms, no evidence about patients.")
    return sentences

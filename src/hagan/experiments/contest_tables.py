"""What a contest of variants found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hagan.experiments.decision import LIMITS, Standing, Verdict, verdict
from hagan.experiments.tables import Table, number
from hagan.experiments.variants import Variant

SHOWN = ("fid", "fid_components", "kid", "coverage", "recall", *LIMITS)
"""Metrics of the table, after the distance."""

Rows = Sequence[Mapping[str, Any]]


def contest_tables(
    variants: Sequence[Variant], rows: Rows, stopped: Mapping[str, str], failed: Mapping[str, str]
) -> tuple[list[Table], list[str]]:
    """A table an extractor, the curves, what was left unfinished, and the reading.

    Args:
        variants: The first one is what the others are compared with.
        rows: Of all runs and legs.
        stopped: Why runs were not gone on with, by name.
        failed: Why runs have no figures, by name.
    """
    tables: list[Table] = []
    reading: list[str] = []
    known = [v for v in variants if any(row["variant"] == v.name for row in rows)]
    by_extractor: dict[str, dict[str, Verdict]] = {}
    for extractor in dict.fromkeys(row["extractor"] for row in rows):
        own = [row for row in rows if row["extractor"] == extractor]
        last = [row for row in own if row["share"] == 1.0 and row["weights"] == "average"]
        body, verdicts = _body(known, last)
        by_extractor[extractor] = verdicts
        floor = next(iter(own))
        text = (
            f"Means over seeds, with their standard deviation. Distance: Frechet distance less the "
            f"floor ({number(floor['floor'])}, as far as random halves of the real scans are from "
            f"each other), in the floor's standard deviations ({number(floor['floor_sd'])})."
        )
        header = ("", "seeds", "steps", "distance", *SHOWN, "against the first")
        tables.append(Table(f"At the end of the quota, {extractor}", header, body, text))
        tables += _second(known, own, extractor)
    tables += _curves(known, rows)
    about = tuple((v.name, v.family, " ".join(v.settings), v.about) for v in variants)
    tables.append(Table("The variants", ("name", "family", "settings", "what it is"), about))
    unfinished = tuple(
        (name, why)
        for name, why in {**stopped, **{n: f"failed: {w}" for n, w in failed.items()}}.items()
    )
    if unfinished:
        tables.append(Table("Not finished", ("run", "why"), unfinished))
    for variant in known[1:]:
        found = {e: v.get(variant.name, "no figures") for e, v in by_extractor.items()}
        agreed = len(set(found.values())) == 1
        told = (
            next(iter(found.values()))
            if agreed
            else "judged apart by the extractors: "
            + (", ".join(f"{verdict} by {extractor}" for extractor, verdict in found.items()))
        )
        reading.append(f"{variant.name} against {known[0].name}: {told}.")
    return tables, reading


def _body(
    variants: Sequence[Variant], rows: Rows
) -> tuple[tuple[tuple[str, ...], ...], dict[str, Verdict]]:
    """A row a variant, and what the rule says of each against the first."""
    body: list[tuple[str, ...]] = []
    verdicts: dict[str, Verdict] = {}
    first: Standing | None = None
    for variant in variants:
        own = [row for row in rows if row["variant"] == variant.name]
        if not own:
            body.append((variant.name, "0", *[""] * (len(SHOWN) + 2), "no run was finished"))
            continue
        standing = standing_of(own)
        told = ""
        if first is None:
            first = standing
        else:
            found, why = verdict(first, standing)
            verdicts[variant.name] = found
            told = f"{found} ({why})"
        faults = f"; beyond limits: {', '.join(standing.faults)}" if standing.faults else ""
        body.append(
            (
                variant.name,
                str(len(own)),
                str(own[0]["steps"]),
                spread([row["distance"] for row in own]),
                *(spread([r["scores"][m] for r in own if m in r["scores"]]) for m in SHOWN),
                (told + faults).removeprefix("; "),
            )
        )
    return tuple(body), verdicts


def standing_of(rows: Rows) -> Standing:
    """Where a variant stands, from its rows of one extractor, a row a seed."""
    checks = {
        name: float(np.mean([row["scores"][name] for row in rows]))
        for name in LIMITS
        if all(name in row["scores"] for row in rows)
    }
    return Standing(
        [row["distance"] for row in rows],
        [row["scores"].get("coverage", 0.0) for row in rows],
        checks,
    )


def _second(variants: Sequence[Variant], rows: Rows, extractor: str) -> list[Table]:
    """The second average beside the first; no table where no run keeps one."""
    body = []
    for variant in variants:
        cells = [variant.name]
        for weights in ("average", "second"):
            own = [
                row["distance"]
                for row in rows
                if (row["variant"], row["share"], row["weights"]) == (variant.name, 1.0, weights)
            ]
            cells.append(spread(own))
        if cells[2] != "-":
            body.append(tuple(cells))
    header = ("", "published average", "second average")
    title = f"Distance by the length of the average, {extractor}"
    return [Table(title, header, tuple(body))] if body else []


def _curves(variants: Sequence[Variant], rows: Rows) -> list[Table]:
    """Distances on the way: would more time help?"""
    tables = []
    for extractor in dict.fromkeys(row["extractor"] for row in rows):
        shares = sorted({row["share"] for row in rows})
        body = tuple(
            (
                variant.name,
                *(
                    spread(
                        [
                            row["distance"]
                            for row in rows
                            if row["variant"] == variant.name
                            and row["share"] == share
                            and row["extractor"] == extractor
                            and row["weights"] == "average"
                        ]
                    )
                    for share in shares
                ),
            )
            for variant in variants
        )
        header = ("", *(f"{share:.0%} of the quota" for share in shares))
        tables.append(Table(f"Distance on the way, {extractor}", header, body))
    return tables


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds; a stroke for none."""
    if not values:
        return "-"
    if len(values) == 1:
        return number(values[0])
    return f"{number(float(np.mean(values)))} ± {number(float(np.std(values, ddof=1)), 2)}"

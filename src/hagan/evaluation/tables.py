"""A comparison as tables: for people, for spreadsheets, and as JSON with every definition."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hagan import __version__
from hagan.evaluation.comparison import Comparison, Row
from hagan.evaluation.measure import Fact
from hagan.evaluation.scores import METRICS, Fingerprint, Score

RACING = ("fake", "anchor")
"""Rows that may be the best; the others are real volumes."""

ARROWS = {"lower": "↓", "higher": "↑", "one": "→ 1", "none": ""}


@dataclass(frozen=True)
class Cell:
    """A figure as it is shown."""

    text: str
    is_best: bool = False
    interval: str = ""


@dataclass(frozen=True)
class Line:
    """One metric over all sets."""

    metric: str
    title: str
    cells: tuple[Cell, ...]
    fingerprint: str


@dataclass(frozen=True)
class Table:
    """All metrics of one heading; columns are the sets."""

    heading: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    unavailable: Mapping[str, str]


def tables_of(comparison: Comparison) -> list[Table]:
    """A table a heading, the best set of each line marked; real volumes are not in the race."""
    return [_table(comparison, heading) for heading in comparison.headings]


def _table(comparison: Comparison, heading: str) -> Table:
    lines = []
    reasons: dict[str, str] = {}
    for metric in METRICS.values():
        scores = [row.scores.get(heading, {}).get(metric.name) for row in comparison.rows]
        for row in comparison.rows:
            item = row.unavailable.get(heading, {}).get(metric.name)
            if item is not None:
                reasons.setdefault(metric.title, item.reason)
        known = [score for score in scores if score is not None]
        if not known:
            continue
        best = _best(comparison.rows, scores)
        lines.append(
            Line(
                metric.name,
                f"{metric.title} {ARROWS[metric.better]}".strip(),
                tuple(
                    Cell("", False) if score is None else _cell(score, index in best)
                    for index, score in enumerate(scores)
                ),
                known[0].fingerprint.id,
            )
        )
    return Table(heading, tuple(row.name for row in comparison.rows), tuple(lines), reasons)


def _best(rows: Sequence[Row], scores: Sequence[Score | None]) -> set[int]:
    """Columns of the best value; ties share it."""
    costs = {
        index: cost
        for index, (row, score) in enumerate(zip(rows, scores, strict=True))
        if score is not None and row.kind in RACING and (cost := _cost(score)) is not None
    }
    if len(costs) < 2:
        return set()
    least = min(costs.values())
    return {index for index, cost in costs.items() if cost == least}


def _cost(score: Score) -> float | None:
    better = METRICS[score.metric].better
    if better == "one":
        # A ratio of 2 is as far from 1 as one of 1/2.
        return abs(math.log(score.value)) if score.value > 0 else math.inf
    # An unbiased estimate below 0 is no better than 0.
    return {"lower": max(score.value, 0.0), "higher": -score.value, "none": None}[better]


def _cell(score: Score, is_best: bool) -> Cell:
    factor = METRICS[score.metric].factor
    interval = ""
    if score.interval is not None:
        low, high = score.interval.low * factor, score.interval.high * factor
        interval = f"{short(low)} to {short(high)}"
    return Cell(short(score.value * factor), is_best, interval)


def short(value: float) -> str:
    """A number in as many digits as it deserves."""
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.2e}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def markdown(comparison: Comparison, command: str) -> str:
    """The tables as Markdown, with every definition below."""
    lines = [
        "# Evaluation",
        "",
        f"hagan {__version__}, `{command}`",
        "",
        counts(comparison) + ".",
        "",
    ]
    lines += [f"> {text}" for text in comparison.warnings]
    for table in tables_of(comparison):
        lines += ["", f"## {table.heading}", ""]
        if table.heading in comparison.unfit:
            lines += [f"> Not fit to lead a headline alone: {comparison.unfit[table.heading]}", ""]
        lines.append("| metric | " + " | ".join(table.columns) + " | fingerprint |")
        lines.append("|---" * (len(table.columns) + 2) + "|")
        for line in table.lines:
            cells = [_markdown_cell(cell) for cell in line.cells]
            lines.append(f"| {line.title} | {' | '.join(cells)} | `{line.fingerprint}` |")
        lines += [
            f"\n{title}: unavailable, {reason}." for title, reason in table.unavailable.items()
        ]
    lines += ["", "## Definitions", "", "Of all figures:", ""]
    lines += [f"- {name}: {fact}" for name, fact in common_facts(comparison)]
    lines += ["", "Of each:", ""]
    lines += [
        f"- `{fingerprint.id}` {metric} of {row}: {facts}"
        for fingerprint, row, metric, facts in own_facts(comparison)
    ]
    return "\n".join(lines) + "\n"


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.is_best else cell.text
    return f"{text} ({cell.interval})" if cell.interval else text


def counts(comparison: Comparison) -> str:
    """How many volumes were compared with how many."""
    judged = sorted({len(row.measured) for row in comparison.rows})
    told = " or ".join(str(number) for number in judged)
    return (
        f"{told} volumes a set against {len(comparison.real)} real ones; intervals are 95 % "
        f"bootstrap ones of {comparison.config.resamples} resamples over subjects"
    )


def fingerprints(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Every definition by its id; one a set, an extractor and a metric."""
    return {
        score.fingerprint.id: dict(score.fingerprint.facts)
        for row in comparison.rows
        for scores in row.scores.values()
        for score in scores.values()
    }


def common_facts(comparison: Comparison) -> list[tuple[str, Fact]]:
    """Facts that every figure of the judged sets depends on alike."""
    scores = [score for _, _, score in _told(comparison)]
    first = scores[0].fingerprint.facts
    return [
        (name, fact)
        for name, fact in first.items()
        if all(
            name in score.fingerprint.facts and score.fingerprint.facts[name] == fact
            for score in scores
        )
    ]


def own_facts(comparison: Comparison) -> list[tuple[Fingerprint, str, str, str]]:
    """Fingerprint, set, metric and the facts that not all share, of each figure."""
    common = {name for name, _ in common_facts(comparison)}
    return [
        (
            score.fingerprint,
            row.name,
            score.metric,
            ", ".join(
                f"{name} {fact}"
                for name, fact in score.fingerprint.facts.items()
                if name not in common and name != "metric"
            ),
        )
        for row, _, score in _told(comparison)
    ]


def _told(comparison: Comparison) -> Iterator[tuple[Row, str, Score]]:
    """Figures of the judged sets; those of floor and anchors differ in the set alone."""
    for row in comparison.fakes:
        for heading in comparison.headings:
            for score in row.scores.get(heading, {}).values():
                yield row, heading, score


def csv_text(comparison: Comparison) -> str:
    """One line a figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        (
            *("set", "kind", "extractor", "metric", "value", "low", "high", "floor"),
            *("n_fake", "n_real", "fingerprint", "reason"),
        )
    )
    writer.writerows(_csv_rows(comparison))
    return text.getvalue()


def _csv_rows(comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    for row in comparison.rows:
        for heading in comparison.headings:
            for score in row.scores.get(heading, {}).values():
                interval = score.interval
                ends = ("", "") if interval is None else (interval.low, interval.high)
                floor = "" if score.floor is None else score.floor
                yield (
                    *(row.name, row.kind, heading, score.metric, score.value, *ends, floor),
                    *(score.n_fake, score.n_real, score.fingerprint.id, ""),
                )
            for item in row.unavailable.get(heading, {}).values():
                yield (row.name, row.kind, heading, item.metric, *[""] * 7, item.reason)


def json_of(comparison: Comparison, command: str) -> dict[str, Any]:
    """Everything, with each figure an object and each definition spelled out."""
    return {
        "hagan_version": __version__,
        "command": command,
        "config": asdict(comparison.config),
        "real": _set(comparison.real.name, len(comparison.real), comparison.real.sha256),
        "train": _set(comparison.train.name, len(comparison.train), comparison.train.sha256),
        "sets": [
            {
                **_set(row.name, len(row.measured), row.measured.sha256),
                "kind": row.kind,
                "scores": {
                    heading: {metric: score.to_plain() for metric, score in scores.items()}
                    for heading, scores in row.scores.items()
                },
                "unavailable": {
                    heading: {metric: item.reason for metric, item in items.items()}
                    for heading, items in row.unavailable.items()
                },
            }
            for row in comparison.rows
        ],
        "unfit_for_headlines": dict(comparison.unfit),
        "warnings": list(comparison.warnings),
        "fingerprints": fingerprints(comparison),
    }


def json_text(comparison: Comparison, command: str) -> str:
    """`json_of` as text."""
    return json.dumps(json_of(comparison, command), indent=2, allow_nan=False) + "\n"


def _set(name: str, count: int, sha256: str) -> dict[str, Any]:
    return {"name": name, "n": count, "sha256": sha256}

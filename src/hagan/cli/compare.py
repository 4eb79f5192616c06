"""`hagan compare`: means over folds, and whether one method is better than others."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.evaluation.folds import MethodTable
    from hagan.evaluation.significance import Summary

LEVEL = 0.05


@dataclass(frozen=True)
class Compare:
    """Compare methods over folds by what `hagan evaluate` left of each.

    The paper's test is Student's, one-tailed, at 0.05; Welch's and the paired one stand beside it,
    each after Holm's correction too, with the effect sizes.
    """

    methods: tyro.conf.Positional[tuple[str, ...]]
    """NAME=FOLDER,FOLDER,...: the evaluations of a method's folds; the first method is tested
    against each other one."""
    metric: tuple[str, ...] = ("fid", "mmd")
    """Which metrics."""
    json: bool = False
    """Print as JSON."""

    def run(self) -> int:
        """Compare; returns the exit code."""
        from hagan.evaluation.folds import compare_folds

        tables = compare_folds(parse_methods(self.methods), self.metric)
        if self.json:
            print(json.dumps([plain(table) for table in tables], indent=2))
            return 0
        console = Console(highlight=False, soft_wrap=True)
        for table in tables:
            show(table, console)
        console.print(
            "\np of one-tailed tests that the first method is better, after the stroke with Holm's "
            f"correction; * below {LEVEL}. Folds share training data, so p is approximate."
        )
        return 0


def parse_methods(arguments: tuple[str, ...]) -> dict[str, list[Path]]:
    """Folders by name.

    Raises:
        UsageError: An argument has another form, or a name comes twice.
    """
    methods: dict[str, list[Path]] = {}
    for argument in arguments:
        name, equals, folders = argument.partition("=")
        if not (name and equals and folders) or name in methods:
            raise UsageError(f"{argument!r} must be NAME=FOLDER,FOLDER,... with names that differ")
        methods[name] = [Path(folder) for folder in folders.split(",") if folder]
    return methods


def show(table: MethodTable, console: Console) -> None:
    """One metric on the console."""
    from hagan.cli.results import print_aligned
    from hagan.evaluation.scores import METRICS

    tests = {test.baseline: test for test in table.tests}
    rows = []
    for name, summary in table.summaries.items():
        test = tests.get(name)
        cells = ["", "", "", ""]
        if test is not None:
            paired = test.paired
            cells = [
                _p(test.student.p, test.student_holm),
                _p(test.welch.p, test.welch_holm),
                "" if paired is None else _p(paired.p, test.paired_holm),
                "" if math.isnan(test.hedges_g) else f"{test.hedges_g:.2f}",
            ]
        rows.append([name, _mean(summary), *cells])
    title = (
        f"{METRICS[table.metric].title}, {table.heading} ({METRICS[table.metric].better} is better)"
    )
    print_aligned(console, title, ["", "mean ± sd", "Student", "Welch", "paired", "Hedges g"], rows)


def _mean(summary: Summary) -> str:
    from hagan.evaluation.tables import short

    return f"{short(summary.mean)} ± {short(summary.sd)} ({summary.folds})"


def _p(p: float, corrected: float | None) -> str:
    if math.isnan(p):
        return "no spread"
    star = "*" if p < LEVEL else ""
    assert corrected is not None
    return f"{p:.2g}{star} / {corrected:.2g}{'*' if corrected < LEVEL else ''}"


def plain(table: MethodTable) -> dict[str, Any]:
    """What JSON holds; what is not a number is null."""

    def numbers(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: numbers(item) for key, item in value.items()}
        return None if isinstance(value, float) and math.isnan(value) else value

    return {
        "metric": table.metric,
        "extractor": table.heading,
        "methods": {name: dataclasses.asdict(item) for name, item in table.summaries.items()},
        "tests": [numbers(dataclasses.asdict(test)) for test in table.tests],
    }

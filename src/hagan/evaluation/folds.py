"""Means over folds and tests between methods, from what `hagan evaluate` left of each fold.

Only figures of one definition are put together: a fact of their fingerprints that differs, the
sets themselves aside, ends the comparison with its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from hagan.errors import BadInputError, UsageError
from hagan.evaluation.scores import METRICS
from hagan.evaluation.significance import BaselineTest, Summary, against_baselines, summarise

RESULTS = "results.json"

OF_A_FOLD = frozenset(("set_fake", "set_real", "n_fake", "n_real", "metric.bandwidth"))
"""Facts that differ between folds; the sizes must agree between methods of the same fold."""


@dataclass(frozen=True)
class FoldScore:
    """One metric of one method in one fold."""

    value: float
    facts: Mapping[str, Any]
    path: Path
    floor: float | None = None
    """What as many training scans score, where they were judged."""


@dataclass(frozen=True)
class MethodTable:
    """A metric of all methods.

    Attributes:
        metric: Its name.
        heading: The extractor, or `volumes`.
        summaries: Mean and standard deviation over folds, by method.
        tests: Of the first method against each other one.
    """

    metric: str
    heading: str
    summaries: Mapping[str, Summary]
    tests: Sequence[BaselineTest]


def read_fold(folder: Path) -> dict[tuple[str, str], FoldScore]:
    """The one judged set of an evaluation, by heading and metric.

    Args:
        folder: What `hagan evaluate --out` named, or its results.json.

    Raises:
        BadInputError: No such file, another kind of file, or more than one judged set in it.
    """
    path = folder / RESULTS if folder.is_dir() else folder
    try:
        content = json.loads(path.read_text("utf-8"))
        fakes = [item for item in content["sets"] if item["kind"] == "fake"]
        if len(fakes) != 1:
            raise BadInputError(
                f"{path} judges {len(fakes)} sets; evaluate one method at a time for folds"
            )
        return {
            (heading, metric): FoldScore(
                float(score["value"]),
                content["fingerprints"][score["fingerprint"]],
                path,
                None if score.get("floor") is None else float(score["floor"]),
            )
            for heading, scores in fakes[0]["scores"].items()
            for metric, score in scores.items()
        }
    except FileNotFoundError as error:
        raise BadInputError(f"{path} does not exist; hagan evaluate --out makes it") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path}: not the results of hagan evaluate ({error!r})") from error


def compare_folds(
    methods: Mapping[str, Sequence[Path]], metrics: Sequence[str]
) -> list[MethodTable]:
    """Compare the first method with each other one.

    Args:
        methods: Folders of evaluations by method, each method's in the same order of folds.
        metrics: Which ones; those that some method lacks are refused by name.

    Raises:
        UsageError: A metric without direction, or fewer than two methods.
        BadInputError: Results that cannot be read, are missing, or have other definitions.
    """
    if len(methods) < 2:
        raise UsageError("name two methods at least: OURS=FOLDER,... RIVAL=FOLDER,...")
    for metric in metrics:
        if metric not in METRICS or METRICS[metric].better not in ("lower", "higher"):
            known = [m.name for m in METRICS.values() if m.better in ("lower", "higher")]
            raise UsageError(f"no test for {metric!r}; choose among {', '.join(known)}")
    read = {name: [read_fold(path) for path in paths] for name, paths in methods.items()}
    first = next(iter(read))
    tables = []
    for metric in metrics:
        headings = [heading for heading, found in read[first][0] if found == metric]
        if not headings:
            raise BadInputError(f"{read_path(methods, first)} has no {metric}")
        for heading in headings:
            scores = {
                name: [_score(fold, heading, metric, name) for fold in folds]
                for name, folds in read.items()
            }
            _check_definitions(scores)
            values = {name: [score.value for score in items] for name, items in scores.items()}
            rivals = {name: items for name, items in values.items() if name != first}
            better = cast(Literal["lower", "higher"], METRICS[metric].better)
            tables.append(
                MethodTable(
                    metric,
                    heading,
                    {name: summarise(items) for name, items in values.items()},
                    against_baselines(values[first], rivals, better),
                )
            )
    return tables


def read_path(methods: Mapping[str, Sequence[Path]], name: str) -> Path:
    """The first folder of a method."""
    return methods[name][0]


def _score(
    fold: Mapping[tuple[str, str], FoldScore], heading: str, metric: str, name: str
) -> FoldScore:
    found = fold.get((heading, metric))
    if found is None:
        where = next(iter(fold.values())).path if fold else name
        raise BadInputError(f"{where} has no {metric} of {heading}; evaluate all folds alike")
    return found


def _check_definitions(scores: Mapping[str, Sequence[FoldScore]]) -> None:
    """Refuse figures that do not mean the same."""
    items = [score for folds in scores.values() for score in folds]
    first = items[0]
    for other in items[1:]:
        for name in sorted(first.facts.keys() | other.facts.keys()):
            old, new = first.facts.get(name), other.facts.get(name)
            if name not in OF_A_FOLD and old != new:
                raise BadInputError(
                    f"not comparable: {name} is {old} in {first.path} and {new} in {other.path}; "
                    "evaluate both alike"
                )
    for folds in zip(*scores.values(), strict=False):
        sizes = {(score.facts["n_fake"], score.facts["n_real"]) for score in folds}
        if len(sizes) > 1:
            told = " and ".join(f"{fake} against {real}" for fake, real in sorted(sizes))
            raise BadInputError(
                f"not comparable: {folds[0].path} and its rivals judge {told} volumes; give each "
                "the same --count"
            )

"""Table VIII: training steps a second, models by sides, and each phase's share of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, quantiles
from typing import Any

from hagan.experiments.cells import Outcome
from hagan.experiments.course import Course, Prediction
from hagan.experiments.lineup import PAPER_HAGAN, PAPER_NOTE, PAPER_SPEED, PAPER_SPEED_SIDE
from hagan.experiments.pictures import Series, against_side
from hagan.experiments.tables import Result, Table, drawn, mib, number

Row = Mapping[str, Any]

FEWEST = 4
"""Steps from which quartiles are told."""

OTHER = "beside the phases"


@dataclass(frozen=True)
class Timing:
    """How much is timed."""

    repeats: int = 3
    """Processes a cell, taken in turn with the other models'."""
    steps: int = 16
    """Steps that count in each, at most."""
    seconds: float = 60.0
    """After which a process times no further step."""
    warm_up: int = 1


def measure_speed(course: Course, timing: Timing, *, dry_run: bool = False) -> list[Row]:
    """A row for each side and model, the smaller sides first.

    At a side every model has its first process before any has its second, so that what disturbs
    the machine for a while disturbs all.

    Args:
        course: Models, sides and limits.
        timing: How much is timed.
        dry_run: Predict memory and operations alone.

    Raises:
        DiskError: An outcome cannot be written.
    """
    rows: list[Row] = []
    families = course.asked.families
    for side in course.asked.sides:
        predictions = {family: course.prediction(family, side) for family in families}
        found: dict[str, list[Outcome]] = {family: [] for family in families}
        why = {name: p.refusal or course.late(name, side) for name, p in predictions.items()}
        for turn in range(0 if dry_run else timing.repeats):
            for family in families:
                cell = course.asked.cell("speed", family, side)
                if cell is None or why[family]:
                    continue
                outcome = course.outcome(
                    replace(
                        cell,
                        turn=turn,
                        steps=timing.steps,
                        seconds=timing.seconds,
                        warm_up=timing.warm_up,
                    )
                )
                why[family] = outcome.why
                if outcome.status == "done":
                    found[family].append(outcome)
        rows += [_row(f, side, predictions[f], found[f], why[f]) for f in families]
    return rows


def _row(
    family: str, side: int, prediction: Prediction, outcomes: Sequence[Outcome], why: str
) -> Row:
    wall = [seconds for outcome in outcomes for seconds in outcome.answer["wall"]]
    cpu = [seconds for outcome in outcomes for seconds in outcome.answer["cpu"]]
    low, _, high = quantiles(wall) if len(wall) >= FEWEST else (None, None, None)
    return {
        "model": family,
        "side": side,
        "steps_per_second": 1 / median(wall) if wall else None,
        "seconds_median": median(wall) if wall else None,
        "seconds_quartiles": None if low is None else [low, high],
        "seconds_mean": fmean(wall) if wall else None,
        "cpu_seconds_median": median(cpu) if cpu else None,
        "steps": len(wall),
        "processes": len(outcomes),
        "phases": _shares(
            [step for outcome in outcomes for step in outcome.answer["phases"]], wall
        ),
        "flops": prediction.number("flops"),
        "needed_bytes": prediction.needed,
        "why": why,
    }


def _shares(phases: Sequence[Mapping[str, float]], wall: Sequence[float]) -> dict[str, float]:
    """Each phase's share of all steps' seconds."""
    whole = sum(wall)
    names = dict.fromkeys(name for step in phases for name in step)
    shares = {name: sum(step.get(name, 0.0) for step in phases) / whole for name in names}
    return {**shares, OTHER: 1 - sum(shares.values())} if shares else {}


def speed_result(
    rows: Sequence[Row], course: Course, timing: Timing, facts: Mapping[str, Any]
) -> Result:
    """Tables and the picture of rows."""
    asked = course.asked
    where = "GPU" if asked.device == "cuda" else f"CPU, {asked.threads} threads"
    return Result(
        what="speed",
        title=f"Training steps a second, batch {asked.batch_size}",
        rows=rows,
        tables=[_speeds(rows, timing, where), *_as_published(rows), _phases(rows)],
        pictures=drawn("speed", _picture(rows, asked.batch_size, where), "Steps a second by side"),
        facts=facts,
    )


def _speeds(rows: Sequence[Row], timing: Timing, where: str) -> Table:
    body = []
    for row in rows:
        quartiles = row["seconds_quartiles"]
        spread = "-" if quartiles is None else f"{number(quartiles[0])} to {number(quartiles[1])}"
        gigaflop = None if row["flops"] is None else row["flops"] / 1e9
        body.append(
            (
                *(str(row["side"]), row["model"], number(row["steps_per_second"])),
                *(number(row["seconds_median"]), spread, number(row["seconds_mean"])),
                *(number(row["cpu_seconds_median"]), str(row["steps"]), number(gigaflop)),
                *(mib(row["needed_bytes"]), row["why"]),
            )
        )
    text = (
        f"Wall seconds ({where}). Steps a second is one by the median step; the quartiles and the "
        "mean are of the same steps, and CPU seconds those of the process. Lazy terms and phases "
        "that skip steps raise the mean and not the median. A step is each player's turns as the "
        f"recipe has them, on a batch that is in memory. Up to {timing.repeats} processes a cell, "
        f"the models in turn, up to {timing.steps} steps or {timing.seconds:g} s each, after "
        f"{timing.warm_up} that do not count. GFLOP of the costliest step and needed memory are "
        "predicted."
    )
    header = (
        *("side", "model", "steps/s", "median s", "quartiles s", "mean s", "CPU s", "steps"),
        *("GFLOP", "needed MiB", "note"),
    )
    return Table("Speed", header, tuple(body), text)


def _as_published(rows: Sequence[Row]) -> list[Table]:
    """Table VIII beside ours, each relative to its own HA-GAN, since machines differ."""
    of_side = {row["model"]: row for row in rows if row["side"] == PAPER_SPEED_SIDE}
    base = of_side.get(PAPER_HAGAN, {}).get("steps_per_second")
    body = []
    for family, published in PAPER_SPEED.items():
        if family not in of_side:
            continue
        speed = of_side[family]["steps_per_second"]
        ours = speed / base if speed and base else None
        relative = published / PAPER_SPEED[PAPER_HAGAN]
        body.append((family, *(number(v) for v in (published, relative, speed, ours))))
    if not body:
        return []
    text = (
        f"Table VIII; {PAPER_NOTE}, so that only the columns relative to HA-GAN (here "
        f"{PAPER_HAGAN}) compare."
    )
    header = ("model", "paper it/s", "paper, by HA-GAN", "here steps/s", "here, by HA-GAN")
    return [Table(f"Beside the paper, side {PAPER_SPEED_SIDE}", header, tuple(body), text)]


def _phases(rows: Sequence[Row]) -> Table:
    body = tuple(
        (
            *(str(row["side"]), row["model"]),
            ", ".join(f"{name} {100 * share:.1f} %" for name, share in row["phases"].items()),
        )
        for row in rows
        if row["phases"]
    )
    text = "The first phase's share includes what prepares the batch."
    return Table("Shares of the time", ("side", "model", "phases"), body, text)


def _picture(rows: Sequence[Row], batch: int, where: str) -> bytes | None:
    series = []
    for family in dict.fromkeys(row["model"] for row in rows):
        speeds = {r["side"]: r["steps_per_second"] for r in rows if r["model"] == family}
        measured = {side: speed for side, speed in speeds.items() if speed is not None}
        published = {PAPER_SPEED_SIDE: PAPER_SPEED[family]} if family in PAPER_SPEED else {}
        series.append(Series(family, measured=measured, published=published))
    if not any(one.measured for one in series):
        return None
    return against_side(
        series,
        label="training steps a second",
        title=f"Batch {batch}, {where}; stars: the paper's, on a V100",
    )

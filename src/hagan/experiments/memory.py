"""Fig. 6 and Table VII: peak memory of a training step and parameters, models by sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hagan.experiments.course import Course, Prediction
from hagan.experiments.lineup import PAPER_HAGAN, PAPER_MEMORY, PAPER_NOTE, PAPER_PARAMETERS
from hagan.experiments.pictures import Series, against_side
from hagan.experiments.tables import MIB, Result, Table, drawn, mib, millions, number

Row = Mapping[str, Any]

V100_MIB = 16 * 1024


def measure_memory(course: Course, *, dry_run: bool = False) -> list[Row]:
    """A row for each side and model, the smaller sides first.

    Args:
        course: Models, sides and limits.
        dry_run: Predict alone.

    Raises:
        DiskError: An outcome cannot be written.
    """
    asked = course.asked
    return [
        _row(course, family, side, dry_run) for side in asked.sides for family in asked.families
    ]


def _row(course: Course, family: str, side: int, dry_run: bool) -> Row:
    prediction = course.prediction(family, side)
    found: Mapping[str, Any] = {}
    why = prediction.refusal or course.late(family, side)
    cell = course.asked.cell("memory", family, side)
    if cell is not None and not why and not dry_run:
        outcome = course.outcome(cell)
        found, why = outcome.answer, outcome.why
    outcome_why = "" if prediction.outcome is None else prediction.outcome.why
    if outcome_why:
        why = f"{why}; " * bool(why) + f"no prediction: {outcome_why}"
    peak, predicted = found.get("peak"), prediction.number("peak")
    return {
        "model": family,
        "side": side,
        "parameters": prediction.number("parameters"),
        "networks": prediction.networks,
        "predicted_bytes": predicted,
        "needed_bytes": prediction.needed,
        "peak_bytes": peak,
        "ratio": peak / predicted if peak and predicted else None,
        "process_bytes": found.get("process"),
        "reserved_bytes": found.get("reserved"),
        "phases": dict(found.get("phases", {})) or _predicted_phases(prediction),
        "phases_measured": bool(found),
        "why": why,
    }


def _predicted_phases(prediction: Prediction) -> dict[str, int]:
    if prediction.outcome is None:
        return {}
    return {p["name"]: p["peak"] for p in prediction.outcome.answer.get("phases", [])}


def memory_result(rows: Sequence[Row], course: Course, facts: Mapping[str, Any]) -> Result:
    """Tables and the picture of rows."""
    batch = course.asked.batch_size
    tables = [_peaks(rows, course.asked.device), _parameters(rows), _phases(rows)]
    return Result(
        what="memory",
        title=f"Memory of a training step, batch {batch}",
        rows=rows,
        tables=tables,
        pictures=drawn("memory", _picture(rows, batch), "Peak memory of a training step by side"),
        facts=facts,
    )


def _peaks(rows: Sequence[Row], device: str) -> Table:
    on_cuda = device == "cuda"
    whole = "reserved" if on_cuda else "process"
    body = tuple(
        (
            *(str(row["side"]), row["model"], mib(row["predicted_bytes"]), mib(row["peak_bytes"])),
            *(number(row["ratio"]), mib(row["needed_bytes"]), mib(row[f"{whole}_bytes"])),
            _paper(row, PAPER_MEMORY, "{:.0f}"),
            row["why"],
        )
        for row in rows
    )
    counted = (
        "tensors by CUDA's allocator, and what it reserved for them"
        if on_cuda
        else "tensors that were alive at once, and the growth of the process from before the model "
        "was built, in a fresh process a cell"
    )
    text = (
        "Predicted is the peak of tensors alive in the costliest step, traced without computing; "
        f"needed adds what may be beside them. Measured: {counted}. Ratio: measured by predicted. "
        f"Paper: Table VII, in MB; {PAPER_NOTE}, and count all that the GPU holds."
    )
    header = (
        *("side", "model", "predicted MiB", "measured MiB", "ratio", "needed MiB"),
        *(f"{whole} MiB", "paper MB", "note"),
    )
    return Table("Peak memory", header, body, text)


def _parameters(rows: Sequence[Row]) -> Table:
    body = tuple(
        (
            *(str(row["side"]), row["model"], millions(row["parameters"])),
            _paper(row, PAPER_PARAMETERS, "{:.1f}", 1e6, "M"),
            ", ".join(f"{name} {millions(count)}" for name, count in row["networks"].items()),
        )
        for row in rows
        if row["parameters"] is not None
    )
    return Table("Parameters", ("side", "model", "all", "paper", "by network"), body)


def _phases(rows: Sequence[Row]) -> Table:
    body = tuple(
        (
            *(str(row["side"]), row["model"]),
            "measured" if row["phases_measured"] else "predicted",
            ", ".join(f"{name} {mib(peak)}" for name, peak in row["phases"].items()),
        )
        for row in rows
        if row["phases"]
    )
    header = ("side", "model", "", "peak MiB in the turn of each player")
    return Table("Peak memory by phase", header, body)


def _paper(
    row: Row, figures: Mapping[int, float], form: str, unit: float = 1, suffix: str = ""
) -> str:
    """The paper's figure, beside the family that stands for its HA-GAN."""
    if row["model"] != PAPER_HAGAN or row["side"] not in figures:
        return ""
    return form.format(figures[row["side"]] / unit) + suffix


def _picture(rows: Sequence[Row], batch: int) -> bytes | None:
    series = []
    for family in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == family]
        series.append(
            Series(
                family,
                measured={r["side"]: r["peak_bytes"] / MIB for r in own if r["peak_bytes"]},
                predicted={
                    r["side"]: r["predicted_bytes"] / MIB
                    for r in own
                    if r["ratio"] is None and r["predicted_bytes"]
                },
                published=PAPER_MEMORY if family == PAPER_HAGAN else {},
            )
        )
    return against_side(
        series,
        label="peak memory of tensors (MiB)",
        title=f"Training step, batch {batch}; hollow: predicted; stars: the paper's, on a V100",
        levels={"V100 of the paper": V100_MIB},
    )

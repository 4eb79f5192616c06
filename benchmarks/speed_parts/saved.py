"""Part `saved`: bytes saved for backward and operations, by phase, from tensors without numbers."""

from __future__ import annotations

from hagan.training.cost import StepCost
from speed_parts.report import PLAIN, Row, Section, Table, number, ratio, row
from speed_parts.settings import Settings
from speed_parts.traced import GFLOP, MIB, cost

PART = "saved"
SIDES = (32, 64, 128, 256, 512)
LARGEST = "largest phase"

GUARDED = "hagan-official"
SAVED_AT_MOST = {128: 0.67, 256: 0.50}
FLOPS_AT_MOST = {128: 0.51, 256: 0.51}
"""Ratios to plain that were reached, of the official recipe at full width and batch 2."""


def measure(settings: Settings) -> Section:
    rows: list[Row] = []
    body: list[list[str]] = []
    phases: list[str] = []
    for side in settings.sides or SIDES:
        config = settings.config(side=side)
        costs = {
            name: cost(config, settings.device, plain=name == PLAIN) for name in (PLAIN, "fast")
        }
        phases = [phase.name for phase in costs[PLAIN].phases]
        for name, of in costs.items():
            found = _rows(settings, side, name, of, costs[PLAIN])
            rows += found
            body.append([str(side), name, *_cells(found)])
    title = f"Saved for backward by {settings.recipe}, batch {settings.batch} (MiB)"
    head = ("side", "variant", *phases, LARGEST, "ratio", "step GFLOP", "ratio", "guard")
    text = (
        "Most bytes at once, each storage once, weights excluded. Operations are those of "
        "convolutions and matrix products, 2 for each multiply-add, forward and backward."
    )
    return Section(rows, [Table(title, head, body, text)])


def _rows(settings: Settings, side: int, name: str, of: StepCost, plain: StepCost) -> list[Row]:
    def one(what: str, unit: str, value: float, base: float, most: float | None = None) -> Row:
        of_plain = ratio(value, base)
        too_much = most is not None and of_plain is not None and of_plain > most
        return row(
            *(settings, PART, name, what, unit),
            side=side,
            value=value,
            ratio=of_plain,
            failed=too_much,
            note="" if most is None else f"at most {most:g} of plain",
        )

    guarded = (
        name != PLAIN
        and settings.recipe == GUARDED
        and settings.width is None
        and settings.batch == 2
    )
    rows = [
        one(phase.name, "MiB", phase.saved / MIB, base.saved / MIB)
        for phase, base in zip(of.phases, plain.phases, strict=True)
    ]
    saved_most = SAVED_AT_MOST.get(side) if guarded else None
    flops_most = FLOPS_AT_MOST.get(side) if guarded else None
    rows.append(one(LARGEST, "MiB", of.saved / MIB, plain.saved / MIB, saved_most))
    rows.append(one("operations", "GFLOP", of.flops / GFLOP, plain.flops / GFLOP, flops_most))
    return rows


def _cells(rows: list[Row]) -> list[str]:
    *_, largest, flops = rows
    guard = "FAILED" if largest.failed or flops.failed else "kept" if largest.note else ""
    return [
        *(number(r.value) for r in rows[:-1]),
        number(largest.ratio),
        number(flops.value),
        number(flops.ratio),
        guard,
    ]

"""Part `step`: one training step phase by phase, each lever pulled in turn."""

from __future__ import annotations

import torch

from speed_parts.equality import TOLERANCE, differences, is_equal
from speed_parts.levers import Levers, ladder, note_of
from speed_parts.report import PLAIN, Row, Section, Table, number, ratio, row, summary
from speed_parts.settings import Settings
from speed_parts.subject import Subject
from speed_parts.timing import Clock, Samples, interleaved

PART = "step"
WHOLE = "step"
"""All phases together."""


def measure(settings: Settings) -> Section:
    config = settings.config()
    device = settings.torch_device
    variants = ladder(device, config.model)
    found = differences(config, variants, device)
    equal = {name: levers for name, levers in variants.items() if is_equal(found[name])}
    checks = [_check(settings, name, found[name]) for name in variants]
    clock = Clock(device, settings.threads)
    samples, first, errors = timed(settings, equal, clock)
    rows = _rows(settings, samples)
    failed = [
        row(settings, PART, name, WHOLE, "s", note=error, failed=True)
        for name, error in errors.items()
    ]
    notes = {name: note_of(name, config.model) for name in variants}
    if "fast + compile" in first:
        notes["fast + compile"] += f" (first step {first['fast + compile']:.0f} s)"
    for name in variants:
        if not is_equal(found[name]):
            why = found[name] if isinstance(found[name], str) else f"{found[name]:.1e} off"
            notes[name] = f"FAILED, not timed: not equal to plain ({why})"
        elif name in errors:
            notes[name] = f"FAILED: {errors[name]}"
        elif variants[name].rounds:
            notes[name] += "; equality holds of its float64 run"
    table = _table(settings, rows, notes, clock)
    return Section([*checks, *rows, *failed], [_equality_table(checks), table])


def timed(
    settings: Settings, variants: dict[str, Levers], clock: Clock
) -> tuple[dict[str, Samples], dict[str, float], dict[str, str]]:
    """Samples and first seconds of each variant, and what went wrong with those that failed."""
    subject = Subject(settings.config(), settings.torch_device, torch.float32)
    errors: dict[str, str] = {}

    def run(name: str, turn: int) -> dict[str, float]:
        if name in errors:
            return {}
        subject.use(variants[name])
        try:
            return subject.mean_step(turn, clock)
        except RuntimeError as error:
            errors[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            subject.model.zero_grad(set_to_none=True)
            return {}

    samples, first = interleaved(variants, run, repeats=settings.repeats, warm_up=settings.warm_up)
    return {n: s for n, s in samples.items() if n not in errors}, first, errors


def _check(settings: Settings, name: str, found: float | str) -> Row:
    value = found if isinstance(found, float) else None
    return row(
        settings,
        PART,
        name,
        "largest difference to plain",
        "",
        dtype="float64",
        value=value,
        note="" if value is not None else str(found),
        failed=not is_equal(found),
    )


def _rows(settings: Settings, samples: dict[str, Samples]) -> list[Row]:
    rows: list[Row] = []
    plain: dict[str, float] = {}
    for name, of in samples.items():
        whole = [sum(values) for values in zip(*of.values(), strict=True)]
        for what, values in {WHOLE: whole, **of}.items():
            fields = summary(values)
            if name == PLAIN:
                plain[what] = float(fields["value"])
            of_plain = ratio(float(fields["value"]), plain.get(what))
            rows.append(row(settings, PART, name, what, "s", **fields, ratio=of_plain))
    return rows


def _equality_table(checks: list[Row]) -> Table:
    body = [
        (check.name, number(check.value, 2), "FAILED " + check.note if check.failed else "equal")
        for check in checks
    ]
    return Table(
        "Equality in float64",
        ("variant", "largest difference", f"below {TOLERANCE:g}"),
        body,
        "Terms and gradients of every phase, and weights after Adam, against `plain`; small and "
        "narrow.",
    )


def _table(settings: Settings, rows: list[Row], notes: dict[str, str], clock: Clock) -> Table:
    phases = list(dict.fromkeys(r.what for r in rows))
    by_name = {(r.name, r.what): r for r in rows}
    body = []
    for name, note in notes.items():
        whole = by_name.get((name, WHOLE))
        cells = [by_name.get((name, phase)) for phase in phases]
        rate = None if whole is None or not whole.value else settings.batch / whole.value
        body.append(
            [
                name,
                *(number(cell.value) if cell else "" for cell in cells),
                number(whole.iqr, 2) if whole else "",
                number(whole.ratio) if whole else "",
                number(rate),
                note,
            ]
        )
    title = f"A training step of {settings.recipe}-{settings.side}, batch {settings.batch}"
    text = (
        f"Medians of {settings.repeats} interleaved repeats, {clock.kind}; the ratio is to `plain`,"
        " below 1 is faster."
    )
    return Table(
        title, ("variant", *phases, "IQR", "ratio", "volumes/s", "what is added"), body, text
    )

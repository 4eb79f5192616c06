"""The metrics of a run as they grow: only what a page has not seen yet is read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 2**24
"""Of a log, in one reading; a page asks again for the rest."""

MOST_LINES = 1500
"""More than a curve has pixels."""


@dataclass(frozen=True)
class Lines:
    """Lines of a log.

    Attributes:
        lines: In order; of very many only every so many.
        next: From where to read on.
        restarted: Whether the log was cut since, so that what was read before does not count.
    """

    lines: tuple[dict[str, Any], ...]
    next: int
    restarted: bool


def read_lines(path: Path, after: int = 0) -> Lines:
    """Read what was added to a metrics.jsonl.

    Args:
        path: The file; an absent one has no lines.
        after: Bytes that were read before.

    Returns:
        Whole lines; numbers that are not finite are None, as JSON has no other word for them.
    """
    try:
        size = path.stat().st_size
        restarted = after > size
        start = 0 if restarted else after
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(MOST_BYTES)
    except OSError:
        return Lines((), 0, restarted=after > 0)
    # What follows the last line break is a line in writing.
    end = content.rfind(b"\n") + 1
    lines = [line for text in content[:end].splitlines() if (line := _parsed(text)) is not None]
    return Lines(_thinned(lines), start + end, restarted)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("step"), int):
        return None
    return {name: _plain(value) for name, value in line.items()}


def _plain(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _thinned(lines: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    stride = math.ceil(len(lines) / MOST_LINES) or 1
    # Counted from the end, so that the newest line is always there.
    return tuple(reversed(lines[::-1][::stride]))

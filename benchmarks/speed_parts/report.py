"""Rows of figures, the tables that show them, and the files that keep them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from speed_parts.settings import Settings

PLAIN = "plain"
"""Name of the row that the others of its kind are compared with."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure."""

    part: str
    name: str
    """The variant."""
    what: str
    """What of it was measured, such as a phase of the step."""
    device: str
    dtype: str
    side: int
    batch: int
    threads: int
    value: float | None
    """The median where it was timed; none where it was not run."""
    unit: str
    repeats: int = 1
    median: float | None = None
    iqr: float | None = None
    """Distance between the quartiles."""
    ratio: float | None = None
    """To the row `plain` of the same thing: below 1 is faster, or smaller."""
    note: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Table:
    """What a reader sees of some rows."""

    title: str
    head: Sequence[str]
    body: Sequence[Sequence[str]]
    text: str = ""

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        if self.text:
            lines += [self.text, ""]
        lines += [_line(self.head), _line(["---"] * len(self.head)), *map(_line, self.body)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Section:
    """What one part found."""

    rows: Sequence[Row]
    tables: Sequence[Table]

    @property
    def failed(self) -> bool:
        return any(row.failed for row in self.rows)


def row(settings: Settings, part: str, name: str, what: str, unit: str, **values: object) -> Row:
    """A row of this call; `values` are further fields, and replace those of the call."""
    fields: dict[str, object] = {
        "device": settings.device,
        "dtype": "float32",
        "side": settings.side,
        "batch": settings.batch,
        "threads": settings.threads,
        "value": None,
        **values,
    }
    return Row(part=part, name=name, what=what, unit=unit, **fields)  # type: ignore[arg-type]


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """Median and distance between the quartiles of repeats, as fields of a row."""
    middle = statistics.median(values)
    spread = 0.0
    if len(values) > 1:
        lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
        spread = upper - lower
    return {"value": middle, "median": middle, "iqr": spread, "repeats": len(values)}


def ratio(value: float | None, plain: float | None) -> float | None:
    return None if value is None or not plain else value / plain


def number(value: float | None, digits: int = 3) -> str:
    """A figure for a table: so many significant digits, empty where there is none."""
    if value is None:
        return ""
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text else text


def print_section(section: Section) -> None:
    for table in section.tables:
        print(table.markdown(), end="\n\n", flush=True)


def write(
    folder: Path, name: str, facts: Mapping[str, object], sections: Mapping[str, Section]
) -> list[Path]:
    """The rows as JSON and the tables as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [asdict(row) for section in sections.values() for row in section.rows]
    data, page = folder / f"{name}.json", folder / f"{name}.md"
    data.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n", "utf-8")
    parts = ["# Speed and memory", facts_table(facts)]
    for part, section in sections.items():
        parts += [f"## {part}", *(table.markdown() for table in section.tables)]
    page.write_text("\n\n".join(parts) + "\n", "utf-8")
    return [data, page]


def facts_table(facts: Mapping[str, object]) -> str:
    body = [(key, f"`{value}`" if key == "command" else str(value)) for key, value in facts.items()]
    return "\n".join([_line(("of this run", "")), _line(("---", "---")), *map(_line, body)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"

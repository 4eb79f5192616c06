"""What an experiment found: rows for machines, tables, pictures and their reading for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan.data.files import make_folder, write_bytes_atomically
from hagan.experiments.jobs import Ended

MIB = 2**20


@dataclass(frozen=True)
class Table:
    """One table."""

    title: str
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    text: str = ""
    """What stands below it."""


@dataclass(frozen=True)
class Picture:
    """A PNG and what it shows."""

    png: bytes
    caption: str


def drawn(name: str, png: bytes | None, caption: str) -> dict[str, Picture]:
    """A picture by its name; none where there was nothing to draw."""
    return {} if png is None else {name: Picture(png, caption)}


def not_done(ended: Mapping[str, Ended]) -> list[Table]:
    """Jobs that were not done, and why; no table where all were."""
    body = tuple((name, one.status, one.why) for name, one in ended.items() if one.status != "done")
    return [Table("Not done", ("job", "", "why"), body)] if body else []


@dataclass(frozen=True)
class Result:
    """An experiment's findings."""

    what: str
    """Its name."""
    title: str
    rows: Sequence[Mapping[str, Any]]
    tables: Sequence[Table]
    pictures: Mapping[str, Picture]
    """By the name of their file, without its ending."""
    facts: Mapping[str, str | int | float]
    """Of the machine and the settings."""
    reading: Sequence[str] = ()
    """What the figures say, found from them: sentences."""
    is_complete: bool = True
    """Whether nothing failed; what other processes are at does not count."""

    def json_text(self) -> str:
        """Facts and rows."""
        content = {
            "experiment": self.what,
            "facts": dict(self.facts),
            "rows": list(self.rows),
            "reading": list(self.reading),
        }
        return json.dumps(content, indent=2) + "\n"

    def markdown(self) -> str:
        """Facts and tables."""
        parts = [f"# {self.title}\n"]
        parts += [f"- {name}: {value}" for name, value in self.facts.items()]
        if self.reading:
            parts.append("")
        parts += [f"> {sentence}" for sentence in self.reading]
        parts += [f"\n![{p.caption}]({name}.png)" for name, p in self.pictures.items()]
        for table in self.tables:
            parts.append(f"\n## {table.title}\n")
            parts.append(_line(table.header))
            parts.append(_line(["---"] * len(table.header)))
            parts += [_line(cells) for cells in table.body]
            if table.text:
                parts.append(f"\n{table.text}")
        return "\n".join(parts) + "\n"

    def write(self, out: Path) -> list[Path]:
        """Write results.md, the pictures and, last, results.json; returns their paths.

        Raises:
            DiskError: One cannot be written.
        """
        make_folder(out)
        files = {"results.md": self.markdown().encode()}
        files |= {f"{name}.png": picture.png for name, picture in self.pictures.items()}
        files["results.json"] = self.json_text().encode()
        for name, content in files.items():
            write_bytes_atomically(out / name, content)
        return [out / name for name in files]


def _line(cells: Sequence[str]) -> str:
    # A bar would end the cell.
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def mib(size: float | None) -> str:
    """Bytes in MiB; a stroke for none."""
    return "-" if size is None else f"{size / MIB:.0f}"


def millions(count: float | None) -> str:
    """Parameters in millions; a stroke for none."""
    return "-" if count is None else f"{count / 1e6:.1f}M"


def number(value: float | None, digits: int = 3) -> str:
    """A number in so many digits that count; a stroke for none."""
    if value is None:
        return "-"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.0f}"

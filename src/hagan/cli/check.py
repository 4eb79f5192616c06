"""``hagan check``: look at scans before they are prepared; nothing is written."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro
from rich.console import Console
from rich.table import Column, Table

from hagan.errors import BadInputError

if TYPE_CHECKING:
    from hagan.data.check import ScanRow


@dataclass(frozen=True)
class Check:
    """Look at scans, read-only: geometry, units, faults, copies, names of people."""

    scans: tyro.conf.Positional[Path]
    """Folder with scans (NIfTI, FreeSurfer, NumPy or DICOM), searched with all folders below it."""

    match: str | None = None
    """Pattern of the scans to look at, such as '*_T1w*'."""

    json: bool = False
    """Print one JSON object a scan instead of a table."""

    def run(self) -> int:
        """Print one row a scan.

        Returns:
            0 when every scan can be read, else 3.
        """
        from hagan.data.check import check_scans

        console = Console(soft_wrap=True, highlight=False, markup=False)
        rows = check_scans(self.scans, self.match)
        faulty = [row for row in rows if row.code]
        if self.json:
            console.print_json(json.dumps([dataclasses.asdict(row) for row in rows]))
        else:
            console.print(_table(rows))
            for row in rows:
                for line in (*row.warnings, row.message):
                    if line:
                        console.print(line, style="red" if line[0] == "E" else "yellow")
            warned = sum(bool(row.warnings) for row in rows)
            console.print(
                f"{len(rows)} scans: {len(rows) - len(faulty)} good, {len(faulty)} with a fault, "
                f"{warned} with a warning. Nothing was written."
            )
            console.print(f"Next: hagan prepare {self.scans} STORE --protocol {_protocol(rows)}")
        return BadInputError.exit_code if faulty else 0


def _table(rows: list[ScanRow]) -> Table:
    # A scan's name is never cut: without it a row says nothing.
    table = Table(
        Column("scan", overflow="fold"),
        "shape",
        "spacing mm",
        "axes",
        "modality",
        "intensities",
        "codes",
    )
    for row in rows:
        codes = [row.code, *(warning[:4] for warning in row.warnings)]
        table.add_row(
            row.scan,
            "" if row.shape is None else " x ".join(map(str, row.shape)),
            "" if row.spacing is None else " x ".join(f"{size:.3g}" for size in row.spacing),
            row.orientation,
            row.modality,
            "" if row.low is None else f"{row.low:g} to {row.high:g}",
            " ".join(code for code in codes if code) or "ok",
        )
    return table


def _protocol(rows: list[ScanRow]) -> str:
    """Suggest a protocol by what most scans look like."""
    readable = [row for row in rows if row.low is not None]
    # NIfTI does not name the modality; only CT reaches far below zero.
    looks_ct = [row.modality == "ct" or (row.low or 0) <= -500 for row in readable]
    return "thorax-ct" if sum(looks_ct) * 2 >= len(looks_ct) else "brain-t1"

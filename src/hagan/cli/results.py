"""What an evaluation leaves: report.html, tables for machines and people, features, a summary."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from hagan.data.files import make_folder, write_bytes_atomically

if TYPE_CHECKING:
    from hagan.evaluation.comparison import Comparison, Sides
    from hagan.evaluation.tables import Cell
    from hagan.experiments.tables import Result

FEATURES = "features"


def write_results(comparison: Comparison, sides: Sides, out: Path, command: str) -> None:
    """Write every file, results.json last: a folder with it is complete.

    Raises:
        DiskError: One cannot be written.
    """
    from hagan.evaluation.figures import sample_grid
    from hagan.evaluation.page import comparison_page

    make_folder(out)
    samples = sample_grid([sides.real, *sides.fakes])
    write_bytes_atomically(out / "samples.png", samples)
    page = comparison_page(comparison, command, figures_of(comparison, out), samples)
    write_bytes_atomically(out / "report.html", page.html().encode())
    write_features(comparison, out / FEATURES)
    write_tables(comparison, out, command)


def figures_of(comparison: Comparison, out: Path) -> dict[str, bytes]:
    """PNGs by caption; each is a file of its own too."""
    from hagan.evaluation.figures import embedding_figure, interval_figure

    figures: dict[str, bytes] = {}
    for metric, caption in (
        ("fid", "Frechet distance with 95 % intervals; the dashed line is the floor."),
        ("kid", "KID x 1000 with 95 % intervals; the dashed line is the floor."),
    ):
        png = interval_figure(comparison, metric)
        if png is not None:
            write_bytes_atomically(out / f"{metric}.png", png)
            figures[caption] = png
    for extractor in comparison.extractors:
        png = embedding_figure(comparison, extractor)
        write_bytes_atomically(out / f"mds-{extractor}.png", png)
        figures[
            f"Metric MDS of the features of {extractor}, with least-squares ellipses: a set that "
            "has caught the data covers the real ellipse."
        ] = png
    return figures


def write_features(comparison: Comparison, folder: Path) -> None:
    """One .npz a set and extractor, which `hagan evaluate` takes as a side again."""
    for extractor in comparison.extractors:
        own = make_folder(folder / extractor)
        measured = {"real": comparison.real, "train": comparison.train}
        measured |= {row.name: row.measured for row in comparison.rows}
        for name, item in measured.items():
            buffer = io.BytesIO()
            np.savez(
                buffer,
                features=item.values[extractor],
                subjects=np.array(item.subjects),
                extractor=np.array(extractor),
            )
            write_bytes_atomically(own / f"{file_name(name)}.npz", buffer.getvalue())


def write_tables(comparison: Comparison, out: Path, command: str) -> None:
    """results.csv, results.md and, last, results.json."""
    from hagan.evaluation.tables import csv_text, json_text, markdown

    write_bytes_atomically(out / "results.csv", csv_text(comparison).encode())
    write_bytes_atomically(out / "results.md", markdown(comparison, command).encode())
    write_bytes_atomically(out / "results.json", json_text(comparison, command).encode())


def file_name(name: str) -> str:
    """A set's name as the name of a file."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.") or "set"


def print_tables(comparison: Comparison, console: Console) -> None:
    """The tables and the warnings on the console."""
    from hagan.evaluation.tables import counts, tables_of

    console.print(f"\n{counts(comparison)}", markup=False)
    for table in tables_of(comparison):
        rows = []
        for line in table.lines:
            cells = [
                cell.text
                + ("*" if cell.is_best else "")
                + (f" ({cell.interval})" * bool(cell.interval))
                for cell in line.cells
            ]
            rows.append([line.title, *cells])
        print_aligned(console, table.heading, ["", *table.columns], rows)
        for title, reason in table.unavailable.items():
            console.print(f"{title}: unavailable, {reason}", markup=False)
        if table.heading in comparison.unfit:
            told = comparison.unfit[table.heading]
            console.print(
                f"{table.heading} is not fit to lead a headline alone: {told}", markup=False
            )
    console.print(
        "* best of the row; floor and copies, which are real, are not in the race", markup=False
    )
    for warning in comparison.warnings:
        console.print(f"! {warning}", markup=False)


def _plain(cell: Cell) -> str:
    star = "*" if cell.is_best else ""
    return f"{cell.text}{star}" + (f" ({cell.interval})" if cell.interval else "")


def print_aligned(
    console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """A table in plain text that no narrow window can squeeze: long lines are left to scroll."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    console.print(f"\n{title}", markup=False)
    for row in (header, *rows):
        first, *rest = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        console.print("  ".join([first, *rest]).rstrip(), markup=False)


def show_result(result: Result, console: Console) -> None:
    """An experiment's facts, tables and reading on the console."""
    console.print(f"\n{result.title}", markup=False)
    console.print(", ".join(f"{k} {v}" for k, v in result.facts.items()), markup=False)
    for table in result.tables:
        print_aligned(console, table.title, table.header, table.body)
        if table.text:
            console.print(table.text, markup=False)
    for sentence in result.reading:
        console.print(f"> {sentence}", markup=False)

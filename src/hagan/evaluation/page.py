"""report.html of a comparison: tables, figures, definitions and the command, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hagan import __version__
from hagan.evaluation.comparison import Comparison
from hagan.evaluation.report import Marked, Report
from hagan.evaluation.scores import METRICS, Metric
from hagan.evaluation.tables import Cell, Table, common_facts, counts, own_facts, tables_of


def comparison_page(
    comparison: Comparison, command: str, figures: Mapping[str, bytes], samples: bytes
) -> Report:
    """The page.

    Args:
        comparison: What was found.
        command: The command line that gives it again.
        figures: PNGs by caption.
        samples: PNG of the sample grid.
    """
    names = " and ".join(row.name for row in comparison.fakes)
    report = Report(f"Evaluation of {names}", counts(comparison) + ".")
    for warning in comparison.warnings:
        report.note(warning)
    report.heading("Samples")
    report.picture(
        samples, "The first volumes of each set; axial, coronal and sagittal middle planes each."
    )
    for table in tables_of(comparison):
        report.heading(_title(table))
        if table.heading in comparison.unfit:
            report.note(f"Not fit to lead a headline alone: {comparison.unfit[table.heading]}")
        report.table(("", *table.columns, "fingerprint"), list(_rows(table)))
        for metric, reason in table.unavailable.items():
            report.paragraph(f"{metric}: unavailable, {reason}.")
    report.paragraph(
        "Bold: best of the row; floor and copies, which are real, are not in the race. Arrows say "
        "what is better; → 1 means nearer to 1. A figure that an anchor beats is no evidence of "
        "quality."
    )
    report.heading("Figures")
    for caption, png in figures.items():
        report.picture(png, caption)
    report.heading("How to read the rows")
    report.table(("metric", "what it says"), [(m.title, m.meaning) for m in _shown(comparison)])
    report.heading("Definitions")
    report.paragraph(
        "A fingerprint is the hash of everything that a figure depends on. Figures of different "
        "fingerprints, the sets and their sizes aside, are not comparable."
    )
    report.table(("of all figures", ""), [(name, _fact(v)) for name, v in common_facts(comparison)])
    report.table(
        ("fingerprint", "set", "metric", "own facts"),
        [(f.id, row, metric, facts) for f, row, metric, facts in own_facts(comparison)],
    )
    report.heading("The command")
    report.code(command)
    report.paragraph(
        f"hagan {__version__}. The same figures, with those of the anchors, are in results.json, "
        "results.csv and results.md."
    )
    return report


def _title(table: Table) -> str:
    return "Voxels" if table.heading == "volumes" else f"Features of {table.heading}"


def _rows(table: Table) -> Sequence[Sequence[str | Marked]]:
    return [
        (line.title, *(_marked(cell) for cell in line.cells), line.fingerprint)
        for line in table.lines
    ]


def _marked(cell: Cell) -> Marked:
    return Marked(cell.text, is_best=cell.is_best, small=cell.interval)


def _shown(comparison: Comparison) -> list[Metric]:
    present = {
        metric for row in comparison.rows for scores in row.scores.values() for metric in scores
    }
    return [metric for metric in METRICS.values() if metric.name in present]


def _fact(value: object) -> str:
    return str(value)

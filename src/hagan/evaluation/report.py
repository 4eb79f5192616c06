"""One self-contained HTML page: text, tables and pictures, with nothing to load from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2733; background: #fff; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #d5dbe1; text-align: left; }
td.number { text-align: right; }
td.best { font-weight: 700; } td small { display: block; font-weight: 400; color: #4c5866; }
.wide { overflow-x: auto; }
figure { margin: 1rem 0; overflow-x: auto; } figcaption { color: #4c5866; }
img { max-width: 100%; image-rendering: pixelated; }
pre { background: #f2f4f7; padding: .8rem 1rem; overflow-x: auto; }
.note { border-left: 4px solid #c07a00; background: #fff7e6; padding: .6rem 1rem; }
"""


@dataclass(frozen=True)
class Marked:
    """A cell that may be the best of its row, with a line in small below."""

    text: str
    is_best: bool = False
    small: str = ""


@dataclass
class Report:
    """A page that grows downwards; every text is escaped."""

    title: str
    lead: str
    parts: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def subheading(self, text: str) -> None:
        """Begin a part of a section."""
        self.parts.append(f"<h3>{escape(text)}</h3>")

    def paragraph(self, text: str) -> None:
        """Add running text."""
        self.parts.append(f"<p>{escape(text)}</p>")

    def note(self, text: str) -> None:
        """Add what a reader must not miss."""
        self.parts.append(f'<p class="note">{escape(text)}</p>')

    def code(self, text: str) -> None:
        """Add commands."""
        self.parts.append(f"<pre>{escape(text)}</pre>")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str | float | Marked]]) -> None:
        """Add a table; floats are shown with three significant digits."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        self.parts.append(f'<div class="wide">{table}</div>')

    def picture(self, png: bytes, caption: str) -> None:
        """Add a PNG, kept inside the page."""
        data = base64.b64encode(png).decode()
        self.parts.append(
            f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def html(self) -> str:
        """The whole page."""
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style></head><body>"
            f"<h1>{escape(self.title)}</h1><p>{escape(self.lead)}</p>"
            f"{''.join(self.parts)}</body></html>\n"
        )


def _cell(cell: str | float | Marked) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    if isinstance(cell, Marked):
        small = f"<small>{escape(cell.small)}</small>" if cell.small else ""
        kind = "number best" if cell.is_best else "number"
        return f'<td class="{kind}">{escape(cell.text)}{small}</td>'
    return f'<td class="number">{cell:.3g}</td>'

"""Figures of a comparison: samples side by side (Fig. 3), and sets in one embedding (Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib as mpl
from matplotlib.figure import Figure

from hagan.data.montage import montage
from hagan.data.png import png_bytes
from hagan.evaluation.comparison import Comparison, Row
from hagan.evaluation.embedding import ellipse, embed
from hagan.evaluation.measure import Matrix
from hagan.evaluation.scores import METRICS
from hagan.evaluation.sets import VolumeSet

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444", "#8c510a")
"""Okabe and Ito's, told apart by nearly everybody, with a brown for their yellow, which is faint on
white: the real volumes and the seven models of the paper."""


def sample_grid(sets: Sequence[VolumeSet], columns: int = 4) -> bytes:
    """A PNG of the first volumes of each set in their three middle planes."""
    rows = [
        (volumes.name, [volumes.volume(i) for i in range(min(columns, len(volumes)))])
        for volumes in sets
    ]
    return png_bytes(montage(rows))


def embedding_figure(comparison: Comparison, extractor: str) -> bytes:
    """A PNG of all sets in one metric MDS of an extractor's features, with their ellipses.

    A set that a model has caught covers the real one's ellipse; a shifted, a small or a flat one
    does not. At most `config.embedded` volumes a set are drawn, the same number of each.
    """
    rows = _embedded(comparison)
    left_out = max(len(rows) - (len(COLOURS) - 1), 0)
    named = {"real": comparison.real.values[extractor]}
    named |= {row.name: row.measured.values[extractor] for row in rows[: len(COLOURS) - 1]}
    config = comparison.config
    count = min(config.embedded, *(len(matrix) for matrix in named.values()))
    told = f"; {left_out} more not drawn" if left_out else ""
    return embedding_picture(
        {name: matrix[:count] for name, matrix in named.items()},
        title=f"{extractor}, {count} volumes a set{told}",
        seed=config.seed,
        ellipse_samples=config.ellipse_samples,
    )


def embedding_picture(
    sets: Mapping[str, Matrix], *, title: str, seed: int = 0, ellipse_samples: int | None = None
) -> bytes:
    """A PNG of sets of features [n, f] in one embedding, each with its ellipse.

    Args:
        sets: Features by name, as many as there are colours at most.
        title: Above the picture.
        seed: Of the embedding.
        ellipse_samples: What the ellipses divide by; see `hagan.evaluation.embedding.ellipse`.
    """
    assert len(sets) <= len(COLOURS), "a colour for each set"
    embedded = embed(list(sets.values()), seed=seed)
    method = embedded.method.upper()
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(6.4, 5.2), layout="constrained")
        axes = figure.add_subplot()
        for name, cloud, colour in zip(sets, embedded.points, COLOURS, strict=False):
            axes.scatter(cloud[:, 0], cloud[:, 1], s=14, alpha=0.4, color=colour, linewidths=0)
            outline = ellipse(cloud, ellipse_samples).boundary()
            axes.plot(outline[:, 0], outline[:, 1], color=colour, label=name)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(title)
        axes.set_xlabel(f"{method} 1")
        axes.set_ylabel(f"{method} 2")
        axes.legend(fontsize="small")
        return _png(figure)


def _embedded(comparison: Comparison) -> list[Row]:
    """The floor, the fakes and the first anchor, in the order in which they get colours."""
    floor = [row for row in comparison.rows if row.kind == "floor"]
    anchors = [row for row in comparison.rows if row.kind == "anchor"][:1]
    return [*floor, *comparison.fakes, *anchors]


def interval_figure(comparison: Comparison, metric: str) -> bytes | None:
    """A PNG of one metric of every set with its interval, an extractor a panel."""
    headings = [
        heading
        for heading in comparison.headings
        if any(metric in row.scores.get(heading, {}) for row in comparison.rows)
    ]
    if not headings:
        return None
    with mpl.rc_context({"axes.grid": True, "grid.alpha": 0.3, "font.size": 10}):
        height = 0.9 + 0.34 * len(comparison.rows)
        figure = Figure(figsize=(5.2 * len(headings), height), layout="constrained")
        for number, heading in enumerate(headings, start=1):
            axes = figure.add_subplot(1, len(headings), number)
            factor = METRICS[metric].factor
            for place, row in enumerate(comparison.rows):
                score = row.scores.get(heading, {}).get(metric)
                if score is None:
                    continue
                colour = {"fake": COLOURS[1], "floor": COLOURS[0]}.get(row.kind, "#777777")
                axes.plot(score.value * factor, place, "o", color=colour)
                if score.interval is not None:
                    ends = (score.interval.low * factor, score.interval.high * factor)
                    axes.plot(ends, (place, place), color=colour)
                if row.kind == "floor":
                    axes.axvline(score.value * factor, color=colour, alpha=0.4, linestyle="--")
            axes.set_yticks(range(len(comparison.rows)), [row.name for row in comparison.rows])
            axes.set_ylim(len(comparison.rows) - 0.5, -0.5)
            axes.set_title(f"{METRICS[metric].title}, {heading}")
        return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    # Without a date and a version the same figure gives the same bytes.
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()

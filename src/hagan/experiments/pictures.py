"""Pictures of figures against the side of the volume, a line a model (Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hagan.evaluation.figures import COLOURS

MARKERS = "os^Dv"
DASHES = ("-", "-.")
"""Others each time that the colours begin anew."""


@dataclass(frozen=True)
class Series:
    """One line: values by side."""

    name: str
    measured: Mapping[int, float] = field(default_factory=dict)
    predicted: Mapping[int, float] = field(default_factory=dict)
    """Where nothing was measured; hollow."""
    published: Mapping[int, float] = field(default_factory=dict)
    """The paper's; stars."""


def against_side(
    series: Sequence[Series], *, label: str, title: str, levels: Mapping[str, float] | None = None
) -> bytes | None:
    """A PNG with both axes in powers of two; None where there is no value.

    Args:
        series: Lines, in the order in which they get colours.
        label: Of the values.
        title: Above the picture.
        levels: Horizontal lines by what they are.
    """
    with mpl.rc_context({"axes.grid": True, "grid.alpha": 0.3, "font.size": 10}):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        axes = figure.add_subplot()
        sides: set[int] = set()
        for place, one in enumerate(series):
            everything = {**one.published, **one.predicted, **one.measured}
            if not everything:
                continue
            sides |= everything.keys()
            colour = COLOURS[place % len(COLOURS)]
            cycle = place // len(COLOURS)
            marker, dashes = MARKERS[cycle % len(MARKERS)], DASHES[cycle % len(DASHES)]
            ours = dict(sorted({**one.predicted, **one.measured}.items()))
            axes.plot(list(ours), list(ours.values()), dashes, color=colour, label=one.name)
            _points(axes, one.measured, colour, marker, filled=True)
            only = {side: v for side, v in one.predicted.items() if side not in one.measured}
            _points(axes, only, colour, marker, filled=False)
            paper = dict(sorted(one.published.items()))
            axes.plot(list(paper), list(paper.values()), "*:", color=colour, markersize=9)
        if not sides:
            return None
        for name, value in (levels or {}).items():
            axes.axhline(value, color="#777777", linewidth=0.8, linestyle=":")
            axes.annotate(name, (min(sides), value), fontsize="small", va="bottom")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xticks(sorted(sides), [str(side) for side in sorted(sides)])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("side of the volume (voxels)")
        axes.set_ylabel(label)
        axes.set_title(title, fontsize="medium")
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))
        buffer = BytesIO()
        # Without a date and a version the same figure gives the same bytes.
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        return buffer.getvalue()


def _points(
    axes: mpl.axes.Axes, values: Mapping[int, float], colour: str, marker: str, *, filled: bool
) -> None:
    face = colour if filled else "white"
    axes.plot(
        list(values),
        list(values.values()),
        linestyle="none",
        marker=marker,
        color=colour,
        markerfacecolor=face,
    )


def curve(
    points: Mapping[float, Sequence[float]],
    *,
    x: str,
    y: str,
    title: str,
    levels: Mapping[str, float],
) -> bytes:
    """A PNG of means with standard deviations, and of every value.

    Args:
        points: Values by place.
        x: Label of the places.
        y: Label of the values.
        title: Above the picture.
        levels: Horizontal lines by what they are.
    """
    places = sorted(points)
    means = [float(np.mean(points[place])) for place in places]
    spreads = [
        float(np.std(points[place], ddof=min(len(points[place]) - 1, 1))) for place in places
    ]
    with mpl.rc_context({"axes.grid": True, "grid.alpha": 0.3, "font.size": 10}):
        figure = Figure(figsize=(5.6, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for place in places:
            axes.plot([place] * len(points[place]), points[place], ".", color="#777777")
        axes.errorbar(places, means, spreads, color=COLOURS[0], marker="o", capsize=3)
        for place, (name, value) in enumerate(levels.items()):
            axes.axhline(value, linestyle="--", color=COLOURS[1 + place], label=name)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.set_title(title)
        axes.legend(fontsize="small")
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()

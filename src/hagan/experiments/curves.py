"""The course of a training as a picture: every term of every player over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hagan.errors import BadInputError

COLUMNS = 3
MOST_POINTS = 2000
"""Points of a line; more are told by means, since a picture has no more pixels."""

_RATES = ("step", "steps_per_second", "peak_memory_mib")


def course_picture(lines: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Draw losses and gradients.

    Args:
        lines: Lines of metrics.jsonl, which `read_metrics` reads: a step and values by name, such
            as ``generator/fake``.
        title: Above the picture.

    Returns:
        A PNG: one plot a term, players in the order of their turns; a value that was not finite is
        a gap.

    Raises:
        BadInputError: There is no line with a loss.
    """
    names = list(dict.fromkeys(name for line in lines for name in line if name not in _RATES))
    if not names:
        raise BadInputError(f"{title}: no loss was logged yet")
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(4.2 * COLUMNS, 2.4 * rows), layout="constrained")
    for number, name in enumerate(names):
        axes = figure.add_subplot(rows, COLUMNS, number + 1)
        points = np.array(
            [(line["step"], _number(line[name])) for line in lines if name in line], np.float64
        )
        axes.plot(*_thinned(points).T, color="#0072b2", linewidth=1)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        if number >= len(names) - COLUMNS:
            axes.set_xlabel("step", fontsize=8)
    figure.suptitle(title, fontsize=11)
    stream = BytesIO()
    # No time in the file: the same run gives the same picture.
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": "hagan"})
    return stream.getvalue()


def _number(value: object) -> float:
    """JSON has no NaN; what was not finite is logged as none or as text."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _thinned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of neighbouring points where there are more than a picture shows."""
    size = -(-len(points) // MOST_POINTS)
    if size == 1:
        return points
    kept = points[: len(points) // size * size].reshape(-1, size, 2)
    thinned: NDArray[np.float64] = kept.mean(axis=1)
    return thinned

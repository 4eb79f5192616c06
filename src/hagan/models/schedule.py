"""How a setting changes over a run."""

from __future__ import annotations

import math


def half_cosine(progress: float, end: float) -> float:
    """From 1 at the beginning of a run to `end` at its end, slowest at both.

    Args:
        progress: Share of the run that is done, from 0 to 1.
        end: What is left at the end.
    """
    return end + (1.0 - end) * 0.5 * (1.0 + math.cos(math.pi * progress))

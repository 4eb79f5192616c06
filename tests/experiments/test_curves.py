from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hagan.errors import BadInputError
from hagan.experiments.curves import course_picture

LINES = [
    {"step": s, "critic/real": 1 / s, "generator/fake": float(s), "steps_per_second": 3.0}
    for s in range(10, 200, 10)
]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def inked(png: bytes) -> int:
    """Pixels of the line's colour."""
    return int((np.abs(pixels(png).astype(int) - (0, 0x72, 0xB2)).max(axis=-1) < 30).sum())


def test_every_loss_is_a_line_and_rates_are_none() -> None:
    both = course_picture(LINES, "run")
    one = course_picture([{k: v for k, v in x.items() if "fake" not in k} for x in LINES], "run")
    assert inked(both) > 1.5 * inked(one) > 100
    assert both == course_picture(LINES, "run")


def test_what_was_not_finite_is_a_gap() -> None:
    broken = [line | {"critic/real": None} if 60 < line["step"] < 140 else line for line in LINES]
    assert 0 < inked(course_picture(broken, "run")) < inked(course_picture(LINES, "run"))


def test_a_long_run_is_drawn_as_well() -> None:
    many = [{"step": s, "a/b": float(s % 7)} for s in range(30_001)]
    assert inked(course_picture(many, "run")) > 100


def test_nothing_logged_is_told() -> None:
    with pytest.raises(BadInputError, match="no loss"):
        course_picture([{"step": 1, "steps_per_second": 2.0}], "run")

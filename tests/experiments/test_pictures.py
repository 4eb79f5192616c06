"""Pictures show what they are given."""

from __future__ import annotations

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

from hagan.evaluation.figures import COLOURS
from hagan.experiments.pictures import Series, against_side

SIDES = {32: 1.0, 64: 2.0, 128: 8.0}


def drawn(*series: Series) -> bytes:
    png = against_side(series, label="MiB", title="title", levels={"16 GiB": 4.0})
    assert png is not None
    return png


def share(png: bytes, colour: str) -> float:
    image = np.asarray(matplotlib.image.imread(BytesIO(png)))
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float((np.abs(image[..., :3] - rgb).max(axis=-1) < 0.02).mean())


def test_every_model_has_its_colour_and_the_picture_is_the_same_again() -> None:
    series = [
        Series(f"m{i}", measured={s: v * (i + 1) for s, v in SIDES.items()}) for i in range(9)
    ]
    png = drawn(*series)
    assert all(share(png, colour) > 1e-4 for colour in COLOURS)
    assert png == drawn(*series)


def test_predictions_are_hollow_and_the_papers_figures_are_there() -> None:
    measured = drawn(Series("one", measured=SIDES))
    predicted = drawn(Series("one", predicted=SIDES))
    assert share(predicted, COLOURS[0]) < share(measured, COLOURS[0])
    paper = drawn(Series("one", measured=SIDES, published={32: 2.0, 128: 3.0}))
    assert share(paper, COLOURS[0]) > share(measured, COLOURS[0])


def test_a_measured_value_hides_its_prediction() -> None:
    both = drawn(Series("one", measured=SIDES, predicted=dict.fromkeys(SIDES, 1.0)))
    assert both == drawn(Series("one", measured=SIDES))


@pytest.mark.parametrize("series", [[], [Series("none")]])
def test_nothing_is_no_picture(series: list[Series]) -> None:
    assert against_side(series, label="x", title="y") is None

"""Figures are pictures of what was compared."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

from evaluation.made import bodies, instruments, sides
from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.comparison import Comparison, compare
from hagan.evaluation.figures import COLOURS, embedding_figure, interval_figure, sample_grid

pytestmark = pytest.mark.slow  # comparisons of whole sets


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(BytesIO(png)))


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    config = EvaluationConfig(resamples=10, only=("fid", "kid"))
    return compare(sides(), instruments(), config, {"resampling": "none"})


def test_samples_are_those_of_the_sets() -> None:
    one, two = bodies("one", 0, 3), bodies("two", 5, 3)
    grid = pixels(sample_grid([one, two], columns=2))
    assert grid.shape[1] > grid.shape[0]
    assert not np.array_equal(grid, pixels(sample_grid([one, one], columns=2)))
    assert sample_grid([one, two]) == sample_grid([one, two])


def colour_share(image: np.ndarray, colour: str) -> float:
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float((np.abs(image[..., :3] - rgb).max(axis=-1) < 0.02).mean())


def test_the_embedding_draws_every_set_in_a_colour_of_its_own(comparison: Comparison) -> None:
    image = pixels(embedding_figure(comparison, "random-resnet10"))
    for colour in COLOURS[:4]:
        assert colour_share(image, colour) > 1e-4, colour
    assert embedding_figure(comparison, "random-resnet10") == embedding_figure(
        comparison, "random-resnet10"
    )


def test_the_authors_ellipse_is_larger(comparison: Comparison) -> None:
    """N = 3 for 8 points widens it by the root of 8 / 3."""
    wide = replace(comparison, config=replace(comparison.config, ellipse_samples=3))
    assert embedding_figure(wide, "random-resnet10") != embedding_figure(
        comparison, "random-resnet10"
    )


def test_intervals_are_drawn_for_metrics_that_were_computed(comparison: Comparison) -> None:
    assert interval_figure(comparison, "coverage") is None
    png = interval_figure(comparison, "fid")
    assert png is not None
    image = pixels(png)
    assert colour_share(image, COLOURS[1]) > 1e-4, "the model"
    assert colour_share(image, COLOURS[0]) > 1e-4, "the floor"

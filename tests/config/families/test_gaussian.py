"""The Gaussian's recipes: one pass over the paper's larger data set, and no moving average."""

from __future__ import annotations

import pytest

from hagan.config.recipes import FAMILIES, recipe, recipe_names

COPDGENE = 9276
"""Volumes of the paper's thorax data."""

NAMES = [name for name in recipe_names() if name.startswith("gaussian")]


def test_it_is_there_at_every_side_of_the_others() -> None:
    assert FAMILIES["gaussian"][1] == FAMILIES["wgan"][1]
    assert FAMILIES["gaussian-tiny"][1] == (32,)


@pytest.mark.parametrize("name", NAMES)
def test_components_have_no_moving_average(name: str) -> None:
    assert recipe(name).training.average_half_life is None


def test_steps_and_batch_make_one_pass() -> None:
    training = recipe("gaussian-128").training
    assert COPDGENE <= training.steps * training.batch_size < 2 * COPDGENE


def test_tiny_has_fewer_components() -> None:
    tiny, whole = recipe("gaussian-tiny-32").model, recipe("gaussian-32").model
    assert (tiny.latent_dim, whole.latent_dim) == (32, 104)
    assert tiny.volume_shape == whole.volume_shape

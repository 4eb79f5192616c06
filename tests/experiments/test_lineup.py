"""The models of the tables."""

from __future__ import annotations

import pytest

from hagan.config.recipes import FAMILIES
from hagan.errors import UsageError
from hagan.experiments.lineup import (
    BATCH_SIZE,
    PAPER_HAGAN,
    PAPER_MEMORY,
    PAPER_ORDER,
    PAPER_PARAMETERS,
    PAPER_SPEED,
    SIDES,
    config_of,
    lineup,
)


def test_by_default_the_papers_models_stand_in_its_order() -> None:
    names = lineup()
    assert names[0] == "wgan"
    assert names[-2:] == ("hagan-official", "hagan")
    assert list(names) == sorted(names, key=PAPER_ORDER.index)
    assert set(names) == set(PAPER_ORDER) & set(FAMILIES)


def test_every_model_of_the_paper_is_there_at_every_side() -> None:
    assert set(PAPER_SPEED) <= set(lineup())
    for family in lineup():
        for side in SIDES:
            config = config_of(family, side)
            assert config is not None
            assert config.name == f"{family}-{side}"
            assert config.model.volume_shape == (side, side, side)


def test_models_by_name_keep_their_order_and_stand_once() -> None:
    assert lineup(("wgan-tiny", "hagan", "wgan-tiny")) == ("wgan-tiny", "hagan")


def test_a_model_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean wgan"):
        lineup(("hagan", "wgna"))


def test_the_batch_is_taken_at_once() -> None:
    config = config_of("hagan", 32, 3)
    assert config is not None
    assert (config.training.batch_size, config.training.accumulate) == (3, 1)
    default = config_of("hagan", 32)
    assert default is not None
    assert default.training.batch_size == BATCH_SIZE == 2
    assert config_of("hagan-tiny", 64) is None
    with pytest.raises(UsageError):
        config_of("hagan", 32, 0)


def test_the_papers_tables_are_whole() -> None:
    """Tables VII and VIII, read off the page."""
    assert tuple(PAPER_MEMORY.values()) == (2573, 2665, 3167, 5961)
    assert tuple(PAPER_PARAMETERS.values()) == (74.7e6, 78.7e6, 79.6e6, 79.7e6)
    assert set(PAPER_MEMORY) == set(PAPER_PARAMETERS) == set(SIDES)
    assert tuple(PAPER_SPEED.values()) == (2.0, 1.0, 1.3, 1.6, 0.35, 0.23, 3.8)
    assert PAPER_SPEED[PAPER_HAGAN] == max(PAPER_SPEED.values())

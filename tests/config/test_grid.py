"""Grids: every base times a power of two is found, and what no network fits is refused."""

from __future__ import annotations

import pytest

from hagan.config.grid import LARGEST_BASE, SMALLEST_BASE, base_of, doublings_of, three_axes
from hagan.errors import UsageError


@pytest.mark.parametrize("doublings", [1, 2, 5])
def test_base_times_a_power_of_two_gives_both_back(doublings: int) -> None:
    for base in range(SMALLEST_BASE, LARGEST_BASE + 1):
        shape = (base * 2**doublings, 4 * 2**doublings, 5 * 2**doublings)
        assert doublings_of(shape) == doublings
        assert base_of(shape) == (base, 4, 5)


def test_a_reduction_counts_as_further_doublings() -> None:
    assert doublings_of((128, 128, 128), reduction=4) == 3
    assert base_of((80, 96, 112), reduction=8) == (5, 6, 7)


def test_a_short_axis_may_start_at_two() -> None:
    assert base_of((64, 128, 128)) == (2, 4, 4)


@pytest.mark.parametrize("shape", [(33, 32, 32), (4, 4, 4), (32, 32, 512)])
def test_what_no_base_fits_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="choose another side"):
        doublings_of(shape)


def test_three_axes_are_asked_for() -> None:
    assert three_axes((8, 16, 32)) == (8, 16, 32)
    with pytest.raises(UsageError, match="three axes"):
        three_axes((32, 32))

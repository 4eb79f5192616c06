from __future__ import annotations

import os

import pytest

from hagan.data.pool import run_in_processes


def square(number: int) -> int:
    return number * number


def die_on_three(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number


def refuse_two(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_has_its_result(workers: int) -> None:
    assert dict(run_in_processes(square, range(5), workers)) == {n: n * n for n in range(5)}


def test_a_process_that_dies_costs_only_its_own_task() -> None:
    results = dict(run_in_processes(die_on_three, range(5), 2))
    assert results == {0: 0, 1: 1, 2: 2, 3: None, 4: 4}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_function_raises_is_raised(workers: int) -> None:
    with pytest.raises(ValueError, match="two"):
        list(run_in_processes(refuse_two, range(5), workers))

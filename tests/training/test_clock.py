"""What counts as a run's time."""

from __future__ import annotations

import time

import pytest

from hagan.training.clock import Clock


def work(seconds: float) -> None:
    """Keep this process busy."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_waiting_counts_on_a_device_that_computes_elsewhere_alone() -> None:
    on_cpu, on_cuda = Clock("cpu"), Clock("cuda")
    with on_cpu.running(), on_cuda.running():
        time.sleep(0.3)
    assert on_cpu.seconds < 0.15
    assert on_cuda.seconds >= 0.3


def test_work_counts_and_what_had_gone_by_before() -> None:
    clock = Clock("cpu", 100.0)
    with clock.running():
        work(0.1)
    work(0.1)
    with clock.running():
        work(0.1)
    assert clock.seconds == pytest.approx(100.2, abs=0.08)


def fail(clock: Clock) -> None:
    with clock.running():
        work(0.1)
        raise ArithmeticError


def test_a_block_that_fails_has_taken_its_time() -> None:
    clock = Clock("cpu")
    with pytest.raises(ArithmeticError):
        fail(clock)
    assert clock.seconds >= 0.1

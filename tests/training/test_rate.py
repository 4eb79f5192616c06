"""The rate at which this machine convolves."""

from __future__ import annotations

import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hagan.training.rate import SIDE, WIDTH, measured_rate, sample_network


@pytest.mark.slow
def test_the_rate_is_that_of_the_sample_timed_by_hand() -> None:
    rate = measured_rate("cpu", seconds=0.3)
    network = sample_network()
    features = torch.randn(2, WIDTH, SIDE, SIDE, SIDE)

    def work() -> None:
        network(features).square().mean().backward()

    with FlopCounterMode(display=False) as counter:
        work()
    began = time.perf_counter()
    for _ in range(4):
        work()
    by_hand = 4 * counter.get_total_flops() / (time.perf_counter() - began)
    # A machine that others use swings; a wrong count of passes would be off by far more.
    assert by_hand / 4 < rate < by_hand * 4


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_takes_about_the_time_it_is_given(precision: str) -> None:
    began = time.perf_counter()
    assert measured_rate("cpu", precision=precision, seconds=0.2) > 1e6
    assert 0.2 < time.perf_counter() - began < 20


def test_the_random_numbers_of_the_caller_go_on() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    measured_rate("cpu", seconds=0.01)
    assert torch.equal(torch.rand(3), expected)

"""Bytes of live tensors and operations, counted while real and fake tensors compute."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from hagan.training.live_memory import LiveMemory, peak_of

KIB = 1024


@pytest.fixture(params=["real", "fake"], autouse=True)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def mode(kind: str) -> FakeTensorMode | nullcontext[None]:
    return FakeTensorMode() if kind == "fake" else nullcontext()


def test_a_tensor_counts_for_as_long_as_it_lives(kind: str) -> None:
    with mode(kind), LiveMemory() as live:
        one = torch.zeros(256)
        assert (live.held, live.peak) == (KIB, KIB)
        view = one.view(16, 16)[3]
        view.add_(1)
        assert live.held == KIB, "a view has no bytes of its own"
        two = one + 1
        del one
        assert live.held == 2 * KIB, "the view keeps what it looks at"
        del view
        assert live.held == KIB
        del two
        assert (live.held, live.peak) == (0, 2 * KIB)


def test_what_was_there_before_does_not_count(kind: str) -> None:
    with mode(kind):
        before = torch.zeros(256)
        with LiveMemory() as live:
            before.add_(1)
            assert (live.held, live.peak) == (0, 0)
            made = before * 2
            assert live.held == KIB
            del made
        assert peak_of(lambda: (before + 1) + 1) == 2 * KIB
        assert peak_of(lambda: before.mul_(2)) == 0


def test_what_takes_the_place_of_a_tensor_from_before_counts(kind: str) -> None:
    """Addresses come again."""
    with mode(kind):
        before = [torch.zeros(256) for _ in range(50)]
        with LiveMemory() as live:
            for tensor in before:
                tensor.add_(1)
            del tensor
            before.clear()
            made = [torch.zeros(256) for _ in range(50)]
            assert live.held == len(made) * KIB


def test_what_waits_for_the_backward_pass_counts_without_weights(kind: str) -> None:
    with mode(kind), LiveMemory() as live:
        weight = nn.Parameter(torch.ones(256))
        features = torch.ones(256)
        with live.part(weights=[weight]) as part:
            products = features * weight
            squares = products.square()
            del products
            assert live.saved == 2 * KIB, "features and their products"
            squares.sum().backward()  # type: ignore[no-untyped-call]
            assert live.saved == 0
        assert part.saved == live.total.saved == 2 * KIB
        with live.part(weights=[weight]) as named:
            weight.square()
        with live.part() as counted:
            weight.square()
        assert (named.saved, counted.saved) == (0, KIB)


def test_the_gradient_of_a_gradient_is_that_of_unwatched_tensors() -> None:
    def of(weight: Tensor) -> Tensor:
        inputs = torch.linspace(0, 1, 8, requires_grad=True)
        (slope,) = torch.autograd.grad((inputs * weight).sin().sum(), inputs, create_graph=True)
        slope.square().sum().backward()  # type: ignore[no-untyped-call]
        assert weight.grad is not None
        return weight.grad

    plain = of(torch.ones(8, requires_grad=True))
    with LiveMemory() as live, live.part():
        watched = of(torch.ones(8, requires_grad=True))
    assert torch.equal(plain, watched)


def test_a_graph_that_nothing_is_computed_from_is_not_held(kind: str) -> None:
    with mode(kind), LiveMemory() as live:
        layer = nn.Sequential(nn.Conv3d(1, 4, 3), nn.GroupNorm(2, 4), nn.LeakyReLU(inplace=True))
        features = torch.ones(1, 1, 8, 8, 8)
        before = live.held
        with live.part():
            layer(features)
        assert (live.held, live.saved) == (before, 0)


def test_parts_count_for_themselves_and_what_they_found(kind: str) -> None:
    with mode(kind), LiveMemory() as live:
        kept = torch.zeros(256)
        with live.part() as first:
            torch.zeros(256) + 1
        with live.part() as second:
            pass
        with live.part() as third:
            torch.zeros(256)
        assert kept.numel() == 256
    assert (first.peak, second.peak, third.peak) == (3 * KIB, KIB, 2 * KIB)
    assert live.peak == 3 * KIB, "the whole goes on after parts that are equal to it"


def test_operations_are_those_of_torchs_own_counter(kind: str) -> None:
    def work() -> None:
        layer = nn.Sequential(nn.Conv3d(2, 4, 3), nn.ConvTranspose3d(4, 2, 4, 2))
        loss = layer(torch.ones(1, 2, 6, 6, 6)).flatten(1) @ torch.ones(2 * 10**3, 3)
        loss.sum().backward()

    with mode(kind):
        with FlopCounterMode(display=False) as counter:
            work()
        with LiveMemory() as live:
            work()
    assert live.total.flops == counter.get_total_flops() > 0

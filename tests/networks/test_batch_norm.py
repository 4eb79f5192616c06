"""Batch normalisation: torch's own where there is one process, and the whole batch's where not."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from hagan.networks.batch_norm import BatchNorm


def layer(channels: int = 3) -> BatchNorm:
    torch.manual_seed(0)
    made = BatchNorm(channels).double()
    nn.init.normal_(made.weight)
    nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 4, 5, 6)])
def test_alone_it_is_torchs(shape: tuple[int, ...]) -> None:
    ours = layer()
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 5: nn.BatchNorm3d}
    theirs = kinds[len(shape)](3).double()
    theirs.load_state_dict(ours.state_dict())
    features = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(ours(features), theirs(features), rtol=0, atol=0)
    assert all(torch.equal(a, b) for a, b in zip(ours.buffers(), theirs.buffers(), strict=True))
    torch.testing.assert_close(ours.eval()(features), theirs.eval()(features), rtol=0, atol=0)


def test_a_single_value_a_channel_takes_the_remembered_statistics() -> None:
    ours = layer()
    ours(torch.randn(6, 3, dtype=torch.float64))
    before = copy.deepcopy(ours.state_dict())
    one = torch.randn(1, 3, dtype=torch.float64)
    made = ours(one)
    assert all(torch.equal(before[name], value) for name, value in ours.state_dict().items())
    torch.testing.assert_close(made, ours.eval()(one), rtol=0, atol=0)


class Rows:
    """The sum over processes, where another one's features are known."""

    def __init__(self, other: Tensor) -> None:
        self.other = other

    def __call__(self, sums: Tensor) -> Tensor:
        axes = [0, *range(2, self.other.dim())]
        count = self.other.numel() // self.other.shape[1]
        square = self.other.square().sum(axes)
        return sums + torch.cat([sums.new_full((1,), count), self.other.sum(axes), square])


@pytest.mark.parametrize("tail", [(), (3, 2, 4)])
def test_with_others_it_is_that_of_the_whole_batch(tail: tuple[int, ...]) -> None:
    """Values, gradients and remembered statistics; features far from 0 lose no digits."""
    whole = torch.randn(5, 3, *tail, dtype=torch.float64) + 100
    alone, joint = layer(), layer()
    expected = alone(whole.requires_grad_())
    weights = torch.randn_like(expected)
    (gradient,) = torch.autograd.grad((expected * weights).sum(), whole)

    own = whole.detach()[:2].clone().requires_grad_()
    other = whole.detach()[2:].clone().requires_grad_()
    joint.total = Rows(other)
    made = joint(own)
    torch.testing.assert_close(made, expected[:2], rtol=0, atol=1e-10)
    for ours, theirs in zip(joint.buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    # What the own rows' loss gives, and what the other rows' loss gives through the statistics.
    again = layer()
    again.total = Rows(own)
    loss = (made * weights[:2]).sum() + (again(other) * weights[2:]).sum()
    (ours,) = torch.autograd.grad(loss, own)
    torch.testing.assert_close(ours, gradient[:2], rtol=0, atol=1e-9)

"""What a critic is told of the variety of a batch, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hagan.networks.minibatch_deviation import deviations, groups_of, own_deviations


def random(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 2, 2, 2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (3, [3]), (4, [4]), (5, [2, 3]), (6, [3, 3]), (8, [4, 4]), (9, [3, 3, 3])],
)
def test_groups_are_neighbours_as_equal_as_can_be(count: int, sizes: list[int]) -> None:
    groups = groups_of(count, 4)
    assert [group.stop - group.start for group in groups] == sizes
    assert [row for g in groups for row in range(g.start, g.stop)] == list(range(count))


@pytest.mark.parametrize("count", [1, 2, 4, 7, 8])
def test_a_volume_is_given_its_groups_mean_deviation(count: int) -> None:
    features = random(count)
    expected = np.empty((count, 1))
    for group in groups_of(count, 4):
        rows = features[group].numpy()
        expected[group] = np.sqrt(rows.var(axis=0) + 1e-8).mean()
    np.testing.assert_allclose(deviations(features, 4).numpy(), expected, rtol=1e-12)


def test_a_batch_without_variety_has_none_and_its_gradient_is_finite() -> None:
    features = random(1).expand(4, -1, -1, -1, -1).clone().requires_grad_()
    numbers = deviations(features, 4)
    torch.testing.assert_close(numbers.detach(), torch.full((4, 1), 1e-4, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(numbers.sum(), features)
    assert bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize(("first", "count"), [(0, 7), (0, 2), (2, 3), (5, 2)])
def test_own_numbers_are_the_same_and_follow_their_own_volume_alone(first: int, count: int) -> None:
    batch = random(7).requires_grad_()
    own = batch.detach()[first : first + count].clone().requires_grad_()
    numbers = own_deviations(own, batch, first, 4)
    expected = deviations(batch, 4)[first : first + count]
    torch.testing.assert_close(numbers, expected, rtol=1e-12, atol=0)
    (held,) = torch.autograd.grad(numbers.sum(), batch, retain_graph=True, allow_unused=True)
    assert held is None, "the batch is constant"
    for row in range(count):
        (gradient,) = torch.autograd.grad(numbers[row, 0], own, retain_graph=True)
        (whole,) = torch.autograd.grad(expected[row, 0], batch, retain_graph=True)
        torch.testing.assert_close(gradient[row], whole[first + row], rtol=1e-10, atol=1e-12)
        others = [other for other in range(count) if other != row]
        assert float(gradient[others].abs().sum()) == 0.0

"""Sinkhorn's cost: against plain-domain iterations and the exact plan, and where gradients go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hagan.models.transport import sinkhorn


def clouds(count: int = 7, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    one = torch.randn(count, 3, dtype=torch.float64)
    return one, torch.randn(count, 3, dtype=torch.float64) + 0.5


def costs(one: torch.Tensor, other: torch.Tensor) -> NDArray[np.float64]:
    a, b = one.detach().numpy(), other.detach().numpy()
    return np.array([[float(((x - y) ** 2).sum()) for y in b] for x in a])


def plan_by_scaling(cost: NDArray[np.float64], epsilon: float, rounds: int) -> NDArray[np.float64]:
    """Rows and columns of exp(-cost / epsilon), scaled in turn to equal weights."""
    plan = np.exp(-cost / epsilon)
    for _ in range(rounds):
        plan /= plan.sum(axis=1, keepdims=True) * len(plan)
        plan /= plan.sum(axis=0, keepdims=True) * len(plan)
    return plan


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rounds", [1, 5, 400])
def test_it_is_the_scaled_plans_cost(rounds: int, seed: int) -> None:
    one, other = clouds(seed=seed)
    expected = (plan_by_scaling(costs(one, other), 1.0, rounds) * costs(one, other)).sum()
    for unrolled in (True, False):
        found = sinkhorn(
            one, other, epsilon=1.0, iterations=rounds, tolerance=0.0, unrolled=unrolled
        )
        assert float(found) == pytest.approx(expected, rel=1e-10)


def test_with_little_entropy_it_is_the_exact_transport() -> None:
    """Where exp(-cost / epsilon) itself is 0 for every pair."""
    one, other = clouds()
    cost = costs(one, other)
    exact = cost[linear_sum_assignment(cost)].mean()
    found = sinkhorn(one, other, epsilon=5e-4, iterations=20_000, tolerance=1e-12)
    assert np.exp(-cost / 5e-4).max() == 0.0
    assert float(found) == pytest.approx(exact, rel=1e-4)


def test_it_ends_where_nothing_moves() -> None:
    one, other = clouds()
    often = sinkhorn(one, other, epsilon=1.0, iterations=10_000, tolerance=0.0)
    soon = sinkhorn(one, other, epsilon=1.0, iterations=10_000, tolerance=1e-9)
    assert float(soon) == pytest.approx(float(often), rel=1e-8)
    assert float(sinkhorn(one, other, epsilon=1.0, tolerance=1e9)) == pytest.approx(
        (plan_by_scaling(costs(one, other), 1.0, 1) * costs(one, other)).sum()
    )


def test_through_the_iterations_the_gradient_is_that_of_finite_differences() -> None:
    one, other = clouds(4)
    one.requires_grad_()

    def cost(points: torch.Tensor) -> torch.Tensor:
        return sinkhorn(points, other, epsilon=0.5, iterations=6, tolerance=0.0, unrolled=True)

    assert torch.autograd.gradcheck(cost, (one,))


def test_of_a_fixed_plan_the_gradient_is_that_of_the_cost_with_its_entropy() -> None:
    """By the envelope theorem, from finite differences of the converged dual value."""
    one, other = clouds(4)
    epsilon = 0.5
    point = one.clone().requires_grad_()
    found = sinkhorn(point, other, epsilon=epsilon, iterations=5000, tolerance=1e-13)
    (gradient,) = torch.autograd.grad(found, point)

    def with_entropy(points: torch.Tensor) -> float:
        cost = costs(points, other)
        plan = plan_by_scaling(cost, epsilon, 5000)
        return float((plan * cost).sum() + epsilon * (plan * np.log(plan)).sum())

    step = 1e-5
    for place in ((0, 0), (2, 1), (3, 2)):
        above, below = one.clone(), one.clone()
        above[place] += step
        below[place] -= step
        expected = (with_entropy(above) - with_entropy(below)) / (2 * step)
        assert float(gradient[place]) == pytest.approx(expected, rel=1e-5, abs=1e-8)

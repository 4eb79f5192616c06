"""Optimal transport between two clouds of points, made smooth by entropy (Cuturi 2013)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from hagan.types import Scalar

Points = Float[Tensor, "n k"]


def sinkhorn(
    one: Points,
    other: Points,
    *,
    epsilon: float = 0.1,
    iterations: int = 100,
    tolerance: float = 0.1,
    unrolled: bool = False,
) -> Scalar:
    """Cost of moving one cloud of points to another of as many, all of the same weight.

    Iterations in the log domain (Peyre and Cuturi 2019, section 4.4), so that a small epsilon does
    not underflow. The cost is that of the plan alone, without its entropy.

    Args:
        one: Points [n, k].
        other: Points [n, k].
        epsilon: Weight of the entropy: the smaller, the nearer to the unsmoothed plan.
        iterations: At most.
        tolerance: Ends them where the first potential moves less in sum.
        unrolled: Whether gradients pass through the iterations, whose tensors are kept then.
            Otherwise the plan counts as fixed, which is the gradient of the cost with its entropy.
    """
    cost = _squares(one, other)
    weight = -torch.log(cost.new_tensor(float(len(one))))
    with nullcontext() if unrolled else torch.no_grad():
        u, v = cost.new_zeros(len(one)), cost.new_zeros(len(other))
        for _ in range(iterations):
            before = u
            u = epsilon * (weight - torch.logsumexp((v[None] - cost) / epsilon, dim=1))
            v = epsilon * (weight - torch.logsumexp((u[:, None] - cost) / epsilon, dim=0))
            if float((u - before).detach().abs().sum()) < tolerance:
                break
        plan = torch.exp((u[:, None] + v[None] - cost) / epsilon)
    total: Scalar = (plan * cost).sum()
    return total


def _squares(one: Points, other: Points) -> Float[Tensor, "n n"]:
    """Squared distances of all pairs."""
    return (one[:, None] - other[None]).square().sum(dim=2)

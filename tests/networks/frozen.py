"""Weights and inputs that never change, to compare networks with figures of other programs by."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


def fill(network: nn.Module) -> None:
    """Give every tensor values by its place in the state dict, of a scale that layers keep."""
    for number, (name, tensor) in enumerate(network.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        # RandomState's stream is promised never to change.
        values = np.random.RandomState(number).uniform(-1.0, 1.0, tuple(tensor.shape))
        if tensor.ndim > 1:
            values *= math.sqrt(6.0 / tensor[0].numel())
        elif name.endswith(("weight", "var")):
            values = 1.0 + 0.3 * values
        else:
            values *= 0.1
        tensor.copy_(torch.from_numpy(values))


def noise(*shape: int) -> Tensor:
    """Noise in [-1, 1]."""
    values = np.random.RandomState(2022).uniform(-1.0, 1.0, shape)
    return torch.from_numpy(values.astype(np.float32))


def digest(row: Tensor) -> list[float]:
    """The first three values of a row, its mean and its root mean square."""
    exact = row.double()
    return [*exact[:3].tolist(), float(exact.mean()), float(exact.square().mean().sqrt())]

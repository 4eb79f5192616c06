"""Volumes whose principal components are known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SHAPE = (6, 5, 4)


def volumes(count: int, rank: int | None = None, seed: int = 0) -> Tensor:
    """Volumes within [-1, 1] whose variances fall from component to component."""
    rng = np.random.default_rng(seed)
    rank = count if rank is None else rank
    scales = 0.1 * 0.8 ** np.arange(rank)
    rows = (rng.standard_normal((count, rank)) * scales) @ rng.standard_normal((rank, 120)) / 4
    rows += rng.uniform(-0.4, 0.4, 120)
    return torch.from_numpy(rows).view(count, 1, *SHAPE)

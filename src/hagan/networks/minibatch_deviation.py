"""How much the volumes of a group differ: what a critic sees to notice that G lacks variety.

Karras et al. 2018, section 3. A batch is cut into groups of neighbours, as equal as can be; each
volume is given one number, the standard deviation over its group, averaged over all features.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from hagan.types import FeatureMaps, Rows, Scalar

EPSILON = 1e-8


def groups_of(count: int, largest: int) -> list[slice]:
    """Rows of each group of a batch.

    Args:
        count: Rows of the batch.
        largest: No group has more.
    """
    groups = -(-count // largest)
    bounds = [count * group // groups for group in range(groups + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def deviations(features: FeatureMaps, largest: int) -> Rows:
    """The number of each volume: [b, 1].

    Args:
        features: Of the whole batch.
        largest: Volumes of a group, at most.
    """
    groups = groups_of(len(features), largest)
    numbers = [_deviation(features[g]).expand(g.stop - g.start) for g in groups]
    return torch.cat(numbers)[:, None]


def own_deviations(own: FeatureMaps, batch: Tensor, first: int, largest: int) -> Rows:
    """The same numbers for some volumes, with gradients to each one's own features alone.

    Args:
        own: Features of volumes `first` up to `first + len(own)` of the batch.
        batch: Features [n, c, d, h, w] of the whole batch, which count as constants.
        first: Place of the first of them.
        largest: Volumes of a group, at most.
    """
    batch = batch.detach()
    numbers = []
    for group in groups_of(len(batch), largest):
        for place in range(max(group.start, first), min(group.stop, first + len(own))):
            row = own[place - first : place - first + 1]
            rows = (batch[group.start : place], row, batch[place + 1 : group.stop])
            numbers.append(_deviation(torch.cat(rows)))
    return torch.stack(numbers)[:, None]


def _deviation(group: Tensor) -> Scalar:
    """Of a batch of one it is about 0, with a finite gradient."""
    variance = group.var(dim=0, correction=0)
    deviation: Scalar = torch.sqrt(variance + EPSILON).mean()
    return deviation

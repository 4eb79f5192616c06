"""What is found in the training volumes before the first step: means and principal components."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from hagan.networks.ha_gan.template import Template
from hagan.networks.principal_components import PrincipalComponents
from hagan.types import LowVolumes, Volumes

LOOKED_AT = 256
"""Training volumes at most that are looked at."""

Shrink: TypeAlias = Callable[[Volumes], LowVolumes]
"""Volumes to those of a branch."""


def look_at(
    volumes: Iterator[Volumes],
    templates: Sequence[tuple[Template, Shrink]],
    codes: PrincipalComponents | None,
    shrink: Shrink,
) -> None:
    """Begin templates with the mean volume, and find the components of which codes are scores.

    Templates that hold something, since they came with another run's weights, are left as they are.

    Args:
        volumes: Batches of training volumes, without an end or with one.
        templates: Of each branch of G, with what makes its volumes of whole ones.
        codes: Principal components at low resolution, where there are any.
        shrink: Volumes to low resolution.
    """
    means = [_Mean(template, to_branch) for template, to_branch in templates if template.is_empty]
    if codes is None and not means:
        return
    seen = 0
    for batch in volumes:
        if codes is not None:
            codes.update(shrink(batch.to(codes.mean)).flatten(1))
        for mean in means:
            mean.add(batch)
        seen += len(batch)
        if seen >= LOOKED_AT:
            break
    for mean in means:
        mean.put_in()


class _Mean:
    """The mean of a branch's volumes, at the size of its template."""

    def __init__(self, template: Template, to_branch: Shrink) -> None:
        self.template = template
        self.to_branch = to_branch
        self.sum = torch.zeros_like(template.grid, dtype=torch.float64)
        self.count = 0

    def add(self, volumes: Volumes) -> None:
        own: Tensor = self.to_branch(volumes.to(self.template.grid))
        self.sum += self.template.shrink(own).sum(dim=0, keepdim=True, dtype=torch.float64)
        self.count += len(own)

    def put_in(self) -> None:
        self.template.begin(self.sum / self.count)

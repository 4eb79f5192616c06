"""Principal components of what was seen so far, batch by batch (Ross et al. 2008).

Each batch is joined to what stands for all batches before, and the leading components are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.types import Latents

Voxels: TypeAlias = Float[Tensor, "b voxels"]
"""Volumes, each as a row."""

Mixing: TypeAlias = Float[Tensor, "_ _"]
"""A small matrix of float64."""

COLUMNS = 2**16
"""Voxels that are mixed at once, so that no second set of components is held."""

NEGLIGIBLE = 1e-12
"""Share of the largest variance below which a component is rounding."""


class PrincipalComponents(nn.Module):
    """Mean, leading principal components and deviations along them of the volumes seen so far.

    All are buffers: no gradient moves them. Components that no volume asked for are 0 and have
    deviation 0.
    """

    mean: Tensor
    components: Tensor
    deviations: Tensor
    seen: Tensor

    def __init__(self, num_components: int, num_voxels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_voxels))
        self.register_buffer("components", torch.zeros(num_components, num_voxels))
        self.register_buffer("deviations", torch.zeros(num_components))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, scores: Latents) -> Voxels:
        """Rows that lie `scores` deviations from the mean along the components."""
        return torch.addmm(self.mean, scores.to(self.mean) * self.deviations, self.components)

    def scores(self, rows: Voxels) -> Latents:
        """How many deviations rows lie from the mean along each component; 0 where it is 0."""
        along = self._centred(rows) @ self.components.t()
        return torch.where(self.deviations > 0, along / self.deviations, 0.0)

    def score_error(self, codes: Latents, rows: Voxels) -> Float[Tensor, ""]:
        """Mean square by which leading entries of codes miss the scores of rows.

        Components without a deviation count for nothing.
        """
        known = self.deviations > 0
        scores = self.scores(rows).to(codes)
        missed = torch.where(known, codes[:, : scores.shape[1]] - scores, 0.0)
        return missed.square().sum() / (len(codes) * known.sum().clamp(min=1))

    def unexplained(self, rows: Voxels) -> Float[Tensor, ""]:
        """Mean square by which rows lie beside the span of the components."""
        centred = self._centred(rows)
        beside = centred - centred @ self.components.t() @ self.components
        return beside.square().mean()

    @torch.no_grad()
    def update(self, rows: Voxels) -> None:
        """Take up further volumes (Ross et al. 2008, section 3).

        What is known, k components times their singular values, stands beside the centred batch
        and one row for the distance of the means. The leading right singular vectors of these few
        rows are the new components; they come from the rows' inner products, in float64.
        """
        count = len(rows)
        # Rounded, since the mean over shares of a batch may be off by a little.
        seen = self.seen.to(torch.float64).round()
        total = seen + count
        batch_mean = rows.to(self.mean).mean(dim=0)
        singular = self.deviations.to(torch.float64) * (seen - 1.0).clamp(min=0.0).sqrt()
        apart = (seen * count / total).sqrt()
        size = len(self.components) + count + 1
        products = torch.zeros(size, size, dtype=torch.float64, device=self.mean.device)
        for _, stacked in self._stacked(rows, batch_mean, singular, apart):
            products.addmm_(stacked, stacked.t())
        values, mixing = _leading(products, len(self.components))
        for part, stacked in self._stacked(rows, batch_mean, singular, apart):
            self.components[:, part] = (mixing @ stacked).to(self.components.dtype)
        self.mean.add_((batch_mean - self.mean) * (count / total).to(self.mean.dtype))
        self.deviations.copy_((values / (total - 1.0).clamp(min=1.0)).sqrt())
        self.seen.copy_(total)

    def _stacked(
        self, rows: Voxels, batch_mean: Tensor, singular: Tensor, apart: Tensor
    ) -> Iterator[tuple[slice, Mixing]]:
        """All rows of which components are taken, some columns at a time, in float64."""
        for start in range(0, len(self.mean), COLUMNS):
            part = slice(start, start + COLUMNS)
            known = singular[:, None] * self.components[:, part].to(torch.float64)
            mean = batch_mean[part].to(torch.float64)
            shift = apart * (self.mean[part].to(torch.float64) - mean)
            yield part, torch.cat([known, rows[:, part].to(torch.float64) - mean, shift[None]])

    def _centred(self, rows: Voxels) -> Voxels:
        return rows.to(self.mean) - self.mean


def _leading(products: Mixing, count: int) -> tuple[Tensor, Mixing]:
    """The largest squared singular values of rows, and what mixes the rows to their vectors.

    Args:
        products: Inner products of the rows.
        count: How many; 0 where a value is rounding.
    """
    values, vectors = torch.linalg.eigh(products)
    values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    values = torch.where(values > NEGLIGIBLE * values[0], values, 0.0)
    # One of the two signs, the same wherever it is computed.
    largest = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    scale = torch.where(values > 0, largest[0].sign() / values.sqrt(), 0.0)
    return values, (vectors * scale).t()

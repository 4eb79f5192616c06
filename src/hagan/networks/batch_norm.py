"""Batch normalisation whose statistics may be those of several processes, or of a single value."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm


class BatchNorm(_BatchNorm):
    """Normalisation of each channel over the batch and all voxels (Ioffe and Szegedy 2015).

    Where a batch is cut over processes, `total` adds their statistics up, so that they normalise as
    one process with the whole batch. A single value a channel has no deviation, and is normalised
    by the remembered statistics, in training too.
    """

    total: Callable[[Tensor], Tensor] | None = None
    """Sums a tensor over the processes that train together, with gradients; none for one alone."""

    def _check_input_dim(self, input: Tensor) -> None:
        assert input.dim() >= 2, input.shape

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [b, c, ...] over all axes but the second."""
        if not self.training:
            return super().forward(input)
        if self.total is not None:
            return self._jointly(input)
        if input.numel() == input.shape[1]:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(input)

    def _jointly(self, features: Tensor) -> Tensor:
        """With the statistics of every process's features."""
        assert self.total is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        axes = [0, *range(2, features.dim())]
        count = features.numel() // features.shape[1]
        variance, mean = torch.var_mean(features, dim=axes, correction=0)
        # In float64, since a mean square minus a squared mean loses digits.
        mean, variance = mean.double(), variance.double()
        number = mean.new_full((1,), count)
        sums = torch.cat([number, count * mean, count * (variance + mean.square())])
        number, mean, square = torch.split(self.total(sums), [1, len(mean), len(mean)])
        mean = mean / number
        variance = square / number - mean.square()
        with torch.no_grad():
            unbiased = variance * number / (number - 1).clamp(min=1)
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
            self.num_batches_tracked.add_(1)
        shape = (1, -1, *([1] * (features.dim() - 2)))
        scale = self.weight * torch.rsqrt(variance + self.eps).to(features)
        shift = self.bias - mean.to(features) * scale
        return torch.addcmul(shift.view(shape), features, scale.view(shape))

"""Moving average of the published weights: the safest single gain in sample quality measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from hagan.config.training import TrainingConfig
from hagan.models.gan import GAN
from hagan.models.weights import published_tensors


class MovingAverage:
    """Exponential average with a half-life in images that is short at first.

    The ramp (a half-life of at most a share of the images seen, Karras et al. 2020) keeps the
    untrained first weights out of the average.
    """

    def __init__(self, model: GAN[Any], *, half_life: float, ramp: float | None) -> None:
        self.half_life = half_life
        self.ramp = ramp
        self.tensors = {name: t.detach().clone() for name, t in published_tensors(model).items()}

    def decay(self, images_seen: int, batch_size: int) -> float:
        """Weight of the old average in an update after `images_seen` images."""
        half_life = self.half_life
        if self.ramp is not None:
            half_life = min(half_life, self.ramp * images_seen)
        return float(0.5 ** (batch_size / max(half_life, 1e-8)))

    def begin(self, model: GAN[Any]) -> None:
        """Forget what was, and begin at the model's present weights."""
        _copy(self.tensors, published_tensors(model))

    @torch.no_grad()
    def update(self, model: GAN[Any], *, images_seen: int, batch_size: int) -> None:
        """Move towards the model's present weights."""
        decay = self.decay(images_seen, batch_size)
        for name, tensor in published_tensors(model).items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1.0 - decay)
            else:
                self.tensors[name].copy_(tensor)

    @contextmanager
    def applied(self, model: GAN[Any]) -> Iterator[None]:
        """The model with the average's weights for as long as the block lasts."""
        live = published_tensors(model)
        kept = {name: tensor.detach().clone() for name, tensor in live.items()}
        try:
            _copy(live, self.tensors)
            yield
        finally:
            _copy(live, kept)


def averages_of(model: GAN[Any], training: TrainingConfig) -> dict[str, MovingAverage]:
    """The moving averages that a run keeps, by their names in checkpoints, with fresh weights.

    The second one's ramp is shorter or longer in the proportion of the half-lives, so that the two
    differ from the start.
    """
    averages = {}
    ramp = training.average_ramp
    if training.average_half_life is not None:
        half_life = training.average_half_life
        averages["average"] = MovingAverage(model, half_life=half_life, ramp=ramp)
        if training.average_second is not None:
            if ramp is not None:
                ramp *= training.average_second / half_life
            averages["second"] = MovingAverage(model, half_life=training.average_second, ramp=ramp)
    return averages


@torch.no_grad()
def _copy(into: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    for name, tensor in into.items():
        tensor.copy_(tensors[name])

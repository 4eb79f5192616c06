"""Batch normalisation over the processes that share a batch: each sees the statistics of all."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from hagan.models.gan import GAN
from hagan.networks.batch_norm import BatchNorm
from hagan.training.distributed import World
from hagan.training.packed import Packed


def join_statistics(model: GAN[Any], world: World) -> bool:
    """Let the model's batch normalisation see the features of every process.

    Every process then has to take the same passes in the same order, and as many micro-batches as
    the others.

    Returns:
        Whether there is anything to join.
    """
    layers = [module for module in model.modules() if isinstance(module, BatchNorm)]
    if world.size == 1 or not layers:
        return False
    for layer in layers:
        layer.total = partial(_total, world)
    return True


def _total(world: World, tensor: Tensor) -> Tensor:
    summed: Tensor = _Total.apply(tensor, world)  # type: ignore[no-untyped-call]
    return summed


class _Total(torch.autograd.Function):
    """The sum over the processes, and of gradients too: their losses are parts of one sum."""

    @staticmethod
    def forward(context: Any, tensor: Tensor, world: World) -> Tensor:
        context.world = world
        summed = tensor.clone()
        world.add_up(Packed([summed]))
        return summed

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _total(context.world, gradient), None

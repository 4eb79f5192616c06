"""Networks that turn volumes into features to compare sets of volumes by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hagan.networks.resnet import ResNet10

RANDOM_SEED = 20220506


def random_resnet10() -> ResNet10:
    """ResNet-10 with weights from a fixed seed: the extractor that needs no download.

    Random features see blur, noise, seams and shape; they know nothing of anatomy. Weights follow
    He et al. 2015, so that the scale of the signal is kept from layer to layer.
    """
    generator = torch.Generator().manual_seed(RANDOM_SEED)
    network = ResNet10()
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            fan_in = module.weight[0].numel()
            weight = torch.randn(module.weight.shape, generator=generator)
            module.weight.data.copy_(weight * (2.0 / fan_in) ** 0.5)
    return network.eval().requires_grad_(False)


def features_of(volumes: Iterable[NDArray[np.float32]], network: nn.Module) -> NDArray[np.float64]:
    """Features [n, f] of volumes [d, h, w] in [-1, 1], one volume at a time."""
    rows = []
    with torch.no_grad():
        for volume in volumes:
            tensor = torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32))
            rows.append(network(tensor[None, None])[0].double().numpy())
    return np.stack(rows)

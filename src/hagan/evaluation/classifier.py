"""Training of a classifier on volumes, and its predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from hagan.evaluation.sets import Voxels
from hagan.networks.classifier import Classifier

EPOCHS = 20
"""The paper's."""

BATCH = 8
LEARNING_RATE = 1e-3
"""At its highest; it falls to zero along a cosine."""

WEIGHT_DECAY = 1e-2


def train_classifier(
    volume: Callable[[int], Voxels],
    labels: Sequence[int],
    num_classes: int,
    *,
    seed: int,
    epochs: int = EPOCHS,
    device: str = "cpu",
) -> Classifier:
    """Train on cross entropy with AdamW; every volume once an epoch.

    Args:
        volume: Reads volume number k [d, h, w] in [-1, 1].
        labels: Class of each volume, from 0.
        num_classes: How many there are.
        seed: Of weights, order and dropout.
        epochs: Passes over the volumes.
        device: Where to compute.

    Returns:
        The network, for use.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        network = Classifier(num_classes).to(device).train()
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        steps = epochs * -(-len(labels) // BATCH)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        rng = np.random.default_rng(seed)
        classes = torch.tensor(labels)
        for _ in range(epochs):
            order = rng.permutation(len(labels))
            for first in range(0, len(order), BATCH):
                numbers = order[first : first + BATCH]
                batch = _batch([volume(int(number)) for number in numbers]).to(device)
                wanted = classes[torch.from_numpy(numbers)].to(device)
                loss = torch.nn.functional.cross_entropy(network(batch), wanted)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    return network.eval()


def predict(network: Classifier, volumes: Sequence[Voxels], device: str = "cpu") -> list[int]:
    """The likeliest class of each volume [d, h, w]."""
    with torch.inference_mode():
        return [int(network(_batch([one]).to(device)).argmax()) for one in volumes]


def _batch(volumes: Sequence[Voxels]) -> Tensor:
    return torch.from_numpy(np.stack(volumes))[:, None]

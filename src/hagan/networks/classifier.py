"""A small 3D CNN that tells classes of volumes apart, as Table V needs one.

The paper names "a 3D CNN" and prints no layers; this one is ours: five halvings, a global mean,
dropout, a linear layer.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.networks.blocks import LEAK, make_norm
from hagan.types import Volumes

WIDTHS = (16, 32, 64, 128, 256)
DROPOUT = 0.5


class Classifier(nn.Module):
    """Scores of classes for volumes of any shape of at least 32 voxels along each axis."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = WIDTHS) -> None:
        """Set up.

        Args:
            num_classes: At least 2.
            widths: Channels after each halving.
        """
        super().__init__()
        assert num_classes >= 2, num_classes
        layers: list[nn.Module] = []
        inputs = 1
        for width in widths:
            layers += [
                nn.Conv3d(inputs, width, 3, stride=2, padding=1, bias=False),
                # Statistics of each volume by itself: a batch of 8 has none that are worth much.
                make_norm("group", width),
                nn.LeakyReLU(LEAK),
            ]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(inputs, num_classes)

    def forward(self, volumes: Volumes) -> Float[Tensor, "b c"]:
        """Logits [b, num_classes] of volumes [b, 1, d, h, w] in [-1, 1]."""
        means = torch.flatten(self.features(volumes).mean(dim=(2, 3, 4)), 1)
        logits: Tensor = self.head(self.dropout(means))
        return logits

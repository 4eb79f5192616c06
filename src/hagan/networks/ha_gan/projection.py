"""Conditions by projection: how far a branch of D finds in a volume what was asked for."""

from __future__ import annotations

from math import sqrt

from torch import nn
from torch.nn import functional

from hagan.networks.blocks import LEAK, spectral_norm
from hagan.types import Labels, Logits, Rows


class Projection(nn.Module):
    """<embed(y), f(x)> / sqrt(d) (Miyato and Koyama 2018, in R3GAN's scale).

    The embedding has two layers, so that it bends with a number as with a class.
    """

    def __init__(self, *, label_dim: int, features_dim: int, spectral: bool) -> None:
        super().__init__()
        self.first = spectral_norm(nn.Linear(label_dim, features_dim), spectral)
        self.second = spectral_norm(nn.Linear(features_dim, features_dim), spectral)

    def forward(self, features: Rows, labels: Labels) -> Logits:
        """What labels [b, k] add to the logits of features [b, d]."""
        embedded = self.second(functional.leaky_relu(self.first(labels.to(features)), LEAK))
        logits: Logits = (embedded * features).sum(dim=1) / sqrt(features.shape[1])
        return logits

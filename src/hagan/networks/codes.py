"""Networks that read or make latent codes: a variational encoder and a critic of codes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from hagan.networks.batch_norm import BatchNorm
from hagan.networks.blocks import LEAK, Norm
from hagan.networks.dcgan import critic_body
from hagan.types import Latents, Logits, Volumes


class CodeCritic(nn.Module):
    """Codes to one number each that tells drawn from encoded ones (Rosca et al. 2017)."""

    def __init__(self, *, latent_dim: int, hidden: int, normalised: bool, bias: bool) -> None:
        """Make the layers.

        Args:
            latent_dim: Entries of a code.
            hidden: Channels of both hidden layers.
            normalised: Whether batch normalisation follows them.
            bias: Whether the last layer adds one, which differences of scores cannot train.
        """
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (latent_dim, hidden):
            layers.append(nn.Linear(inputs, hidden))
            if normalised:
                layers.append(BatchNorm(hidden))
            layers.append(nn.LeakyReLU(LEAK))
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(hidden, 1, bias=bias)

    def forward(self, codes: Latents) -> Logits:
        """One number a code."""
        numbers: Logits = self.head(self.body(codes))[:, 0]
        return numbers


class VariationalEncoder(nn.Module):
    """Volumes to mean and log variance of their codes (Kingma and Welling 2014)."""

    def __init__(
        self,
        *,
        latent_dim: int,
        base_shape: tuple[int, int, int],
        widths: Sequence[int],
        hidden: int,
        norm: Norm = "batch",
    ) -> None:
        """Make the layers.

        Args:
            latent_dim: Entries of a code.
            base_shape: Grid after the halvings.
            widths: Channels after each halving.
            hidden: Channels of each head's hidden layer.
            norm: After every halving but the first.
        """
        super().__init__()
        self.body = critic_body(widths, norm)
        features = widths[-1] * prod(base_shape)
        self.mean, self.log_variance = (
            nn.Sequential(
                nn.Linear(features, hidden),
                BatchNorm(hidden),
                nn.ReLU(inplace=True),
                nn.Linear(hidden, latent_dim),
            )
            for _ in range(2)
        )

    def forward(self, volumes: Volumes) -> tuple[Latents, Latents]:
        """Mean and log variance [b, z] of the codes of volumes [b, 1, d, h, w]."""
        features: Tensor = self.body(volumes).flatten(1)
        return self.mean(features), self.log_variance(features)


def sampled(mean: Latents, log_variance: Latents, noise: Latents) -> Latents:
    """A code drawn from its distribution, so that gradients reach mean and variance."""
    return mean + noise * torch.exp(0.5 * log_variance)

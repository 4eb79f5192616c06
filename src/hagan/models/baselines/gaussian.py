"""A Gaussian on the leading principal components of the volumes: a rival without network."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from hagan.config.adam import AdamConfig
from hagan.config.baselines.gaussian import GaussianConfig
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import EncodingGAN
from hagan.models.gan import Phase, Terms
from hagan.networks.principal_components import PrincipalComponents, Voxels
from hagan.types import Labels, Latents, Volumes


class Scores(nn.Module):
    """The encoder: it has the generator's tensors and none of its own, so they are stored once."""

    def __init__(self, components: PrincipalComponents) -> None:
        super().__init__()
        # In a tuple, where torch does not take it for a part of this module.
        self._of = (components,)

    def forward(self, rows: Voxels) -> Latents:
        """Whitened scores of rows."""
        (components,) = self._of
        return components.scores(rows)


class Gaussian(EncodingGAN):
    """Mean plus principal components times independent normal numbers."""

    generator: PrincipalComponents

    def __init__(self, config: GaussianConfig) -> None:
        super().__init__(config)
        self.config = config
        self.generator = PrincipalComponents(config.latent_dim, prod(config.volume_shape))
        self.encoder = Scores(self.generator)

    def phases(self) -> Sequence[Phase[Reals]]:
        """One turn, which has no weights to move: its loss takes up the batch."""
        turn = Phase(name="fit", trains=self.generator, loss=self.fit, adam=AdamConfig())
        return [turn]

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w], clipped to [-1, 1], of latents [b, z]."""
        rows: Tensor = self.generator(latents)
        return rows.clamp(-1.0, 1.0).view(len(latents), 1, *self.volume_shape)

    def encode(self, volumes: Volumes) -> Latents:
        """Whitened scores [b, z] of volumes, of which `generate` makes their projection."""
        codes: Latents = self.encoder(volumes.flatten(1))
        return codes

    def fit(self, batch: Reals) -> Terms:
        """Take up the whole batch while training, and say how badly it was foreseen.

        Every share of a cut batch takes up all of it, since components of a batch are no mean of
        those of its shares.
        """
        rows = self.whole_batch(batch.volumes.flatten(1))
        with torch.no_grad(), torch.autocast(rows.device.type, enabled=False):
            unexplained = self.generator.unexplained(rows)
            if self.training:
                self.generator.update(rows)
        return {"unexplained": unexplained}

    def new_latents(self, count: int) -> Latents:
        """Z ~ N(0, I) from torch's global CPU generator, with the buffers' device and type."""
        return torch.randn(count, self.latent_dim).to(self.generator.mean)

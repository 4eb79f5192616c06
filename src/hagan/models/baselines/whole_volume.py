"""What models without a hierarchy have in common: their players see whole volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.config.grid import Shape3
from hagan.models.baselines.reals import Reals
from hagan.models.gan import GAN
from hagan.types import Labels, Latents, Volumes


@runtime_checkable
class Sizes(Protocol):
    """The sizes that every configuration has."""

    @property
    def volume_shape(self) -> Shape3:
        """Voxels along d, h, w."""
        ...

    @property
    def latent_dim(self) -> int:
        """Entries of a latent code."""
        ...

    @property
    def num_classes(self) -> int:
        """Classes of a conditional form; 0 without."""
        ...


class WholeVolumeGAN(GAN[Reals]):
    """A generator of whole volumes; a subclass makes the networks and trains them."""

    def __init__(self, config: Sizes) -> None:
        super().__init__()
        self.volume_shape = config.volume_shape
        self.latent_dim = config.latent_dim
        self.num_classes = config.num_classes

    def prepare(self, real: Volumes, labels: Labels | None) -> Reals:
        """The volumes as they are, with their labels where the model has classes."""
        return Reals(real, labels if self.num_classes else None)

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z] and any labels [b, k]."""
        volumes: Volumes = self.generator(latents, labels)
        return volumes

    def draw_mix(self, like: Tensor) -> Float[Tensor, "b 1"]:
        """Where between two sets of volumes or codes a gradient penalty looks."""
        return self.draw_rows(lambda rows: torch.rand(rows, 1), len(like)).to(like)


class EncodingGAN(WholeVolumeGAN):
    """One that also has an encoder, which is published beside the generator."""

    encoder: nn.Module

    def published(self) -> Mapping[str, nn.Module]:
        """Generator and encoder."""
        return {"generator": self.generator, "encoder": self.encoder}

    def encode(self, volumes: Volumes) -> Latents:
        """Codes [b, z] of volumes [b, 1, d, h, w]."""
        codes: Latents = self.encoder(volumes)
        return codes

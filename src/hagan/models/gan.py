"""The game: one interface for every GAN, which the trainer, the sampler and the tests know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

import torch
from torch import nn

from hagan.config.models import AdamConfig
from hagan.types import Labels, Latents, Scalar, Volumes

Terms: TypeAlias = Mapping[str, Scalar]
"""Named terms of a loss; the trainer minimises their sum and logs each."""

BatchT = TypeVar("BatchT")


@dataclass(frozen=True, kw_only=True, eq=False)
class Phase(Generic[BatchT]):
    """One player's turn in a training step: which weights move, and what they minimise."""

    name: str
    """Key of the player's optimiser in checkpoints and of its terms in logs."""
    trains: nn.Module
    """All other weights are frozen for the turn."""
    loss: Callable[[BatchT], Terms]
    """Terms to minimise, from a prepared batch."""
    adam: AdamConfig
    """The player's optimiser."""
    repeats: int = 1
    """Turns in a row (critic steps); each repeat sees a fresh batch."""


class GAN(nn.Module, ABC, Generic[BatchT]):
    """A generator of volumes together with the players that train it."""

    volume_shape: tuple[int, int, int]
    latent_dim: int
    num_classes: int
    generator: nn.Module

    @abstractmethod
    def phases(self) -> Sequence[Phase[BatchT]]:
        """The players' turns in the order of a step."""

    @abstractmethod
    def prepare(self, real: Volumes, labels: Labels | None) -> BatchT:
        """What the phases need of real volumes: cut, shrunk, with r drawn."""

    @abstractmethod
    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Whole volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z] and labels [b, k]."""

    def published(self) -> Mapping[str, nn.Module]:
        """Modules that make and encode volumes: the moving average and the weights file hold them.

        Keys are the attribute names under which the model keeps them.
        """
        return {"generator": self.generator}

    def begin_step(self, step: int) -> None:
        """Derive all schedule state from the step; most models have none."""

    def draw_latents(self, count: int) -> Latents:
        """Z ~ N(0, I) from torch's global CPU generator, on the model's device and in its type."""
        like = next(self.generator.parameters())
        return torch.randn(count, self.latent_dim).to(like)


@runtime_checkable
class Encodes(Protocol):
    """A model that also finds the latent codes of volumes."""

    def encode(self, volumes: Volumes) -> Latents:
        """Latent codes [b, z] of volumes [b, 1, d, h, w]."""
        ...

"""What is measured, as the command line said it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import FAMILIES
from hagan.config.training import RunConfig

NARROW_LATENTS = 64
"""Entries of the latent code of a narrowed model."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One call of the command; plain values, so that it travels to other processes as JSON."""

    recipe: str = "hagan-official"
    """A family of recipes, without the side."""
    side: int = 128
    batch: int = 2
    width: int | None = None
    """Channels of A in place of the recipe's, to try the command in seconds."""
    sides: tuple[int, ...] | None = None
    """Of the parts that go through several; none for each part's own."""
    threads: int = 1
    repeats: int = 5
    warm_up: int = 1
    device: str = "cpu"
    limit: float = 60.0
    """Seconds beyond which a step is not timed by `memory`."""
    out: str | None = None
    outside: str | None = None

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    @property
    def folder(self) -> Path | None:
        return None if self.out is None else Path(self.out)

    def config(self, *, recipe: str | None = None, side: int | None = None) -> RunConfig:
        """The recipe at a side, with this call's batch and width."""
        make, _ = FAMILIES[recipe or self.recipe]
        config = make(side or self.side)
        training = replace(config.training, batch_size=self.batch, precision="fp32")
        return replace(config, model=self.narrowed(config.model), training=training)

    def narrowed(self, model: HAGANConfig) -> HAGANConfig:
        """The model at this call's width."""
        if self.width is None:
            return model
        return replace(model, width=self.width, latent_dim=NARROW_LATENTS)

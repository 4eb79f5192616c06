"""A small run: narrow HA-GAN on six volumes with a ball each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.batches import Batch
from hagan.models.build import build_model
from hagan.training.trainer import Trainer
from training.processes import EVERY_TURN


class Balls:
    """Six volumes with a ball of another size each."""

    def __init__(self, batch_size: int = 2) -> None:
        grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 3, indexing="ij"))
        radius = torch.linspace(0.3, 0.7, 6).view(6, 1, 1, 1)
        self.volumes = torch.tanh(12 * (radius - grid.square().sum(0).sqrt()))[:, None]
        self.batch_size = batch_size

    def at(self, step: int, repeat: int = 0) -> Batch:
        picked = (torch.arange(self.batch_size) + step * self.batch_size + repeat) % 6
        return Batch(volumes=self.volumes[picked], labels=None)


@pytest.fixture
def config() -> RunConfig:
    model = recipe("hagan-32").model
    assert isinstance(model, HAGANConfig)
    return RunConfig(
        name="test",
        model=replace(model, width=8, latent_dim=16, **EVERY_TURN),
        training=TrainingConfig(
            steps=6,
            batch_size=2,
            average_half_life=20.0,
            save_every=2,
            preview_every=4,
            log_every=2,
        ),
    )


@pytest.fixture
def make_trainer(config: RunConfig, tmp_path: Path) -> Callable[..., Trainer]:
    def make(folder: str = "run", *, tune: bool = False, **changes: Any) -> Trainer:
        changed = replace(config, training=replace(config.training, **changes))
        torch.manual_seed(0)
        model = build_model(changed.model)
        return Trainer(model, changed, Balls(), RunDir(tmp_path / folder), tune=tune)

    return make

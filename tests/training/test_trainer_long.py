"""Two thousand steps of a very small game: neither memory nor open files grow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hagan.config.adam import AdamConfig
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.batches import Batch
from hagan.models.gan import GAN, Phase, Terms
from hagan.training.trainer import Progress, Trainer


class SmallGAN(GAN[Tensor]):
    """Two linear layers that play on volumes of 8 x 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.volume_shape = (8, 8, 8)
        self.latent_dim = 4
        self.num_classes = 0
        self.generator = nn.Linear(4, 512)
        self.discriminator = nn.Linear(512, 1)

    def phases(self) -> Sequence[Phase[Tensor]]:
        adam = AdamConfig(learning_rate=1e-4)
        return [
            Phase(
                name="discriminator",
                trains=self.discriminator,
                loss=self.discriminator_loss,
                adam=adam,
                repeats=2,
            ),
            Phase(name="generator", trains=self.generator, loss=self.generator_loss, adam=adam),
        ]

    def prepare(self, real: Tensor, labels: Tensor | None) -> Tensor:
        return real

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        volumes: Tensor = self.generator(latents).tanh().view(-1, 1, 8, 8, 8)
        return volumes

    def discriminator_loss(self, real: Tensor) -> Terms:
        fake = self.generate(self.draw_latents(len(real))).detach()
        return {
            "real": nn.functional.softplus(-self.discriminator(real.flatten(1))).mean(),
            "fake": nn.functional.softplus(self.discriminator(fake.flatten(1))).mean(),
        }

    def generator_loss(self, real: Tensor) -> Terms:
        fake = self.generate(self.draw_latents(len(real)))
        return {"fake": nn.functional.softplus(-self.discriminator(fake.flatten(1))).mean()}


class Noise:
    def at(self, step: int, repeat: int = 0) -> Batch:
        return Batch(volumes=torch.rand(4, 1, 8, 8, 8) * 2 - 1, labels=None)


def held() -> tuple[float, int]:
    """Resident memory in MiB, and open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_neither_memory_nor_open_files_grow(tmp_path: Path) -> None:
    training = TrainingConfig(
        steps=2000,
        batch_size=4,
        accumulate=2,
        average_half_life=20.0,
        save_every=100,
        preview_every=100,
    )
    config = RunConfig(name="small", training=training)
    seen: dict[int, tuple[float, int]] = {}

    def note(progress: Progress) -> None:
        if progress.step % 500 == 1:
            seen[progress.step] = held()

    trainer = Trainer(SmallGAN(), config, Noise(), RunDir(tmp_path), on_step=note, tensorboard=True)
    trainer.train()
    assert len(seen) == 4
    # Allocators settle in the first hundreds of steps.
    (memory_before, files_before), (memory_after, files_after) = seen[501], seen[1501]
    assert memory_after - memory_before < 8
    assert files_after <= files_before

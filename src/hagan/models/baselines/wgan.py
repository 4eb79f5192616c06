"""WGAN with gradient penalty (Gulrajani et al. 2017) for volumes (Kwon et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hagan.config.baselines.wgan import WGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import WholeVolumeGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import gradient_penalty, wasserstein
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths
from hagan.types import Logits


class WGAN(WholeVolumeGAN):
    """A generator and a critic whose scores differ by the sets' Wasserstein distance."""

    def __init__(self, config: WGANConfig) -> None:
        super().__init__(config)
        self.config = config
        doublings, base = doublings_of(config.volume_shape), base_of(config.volume_shape)
        self.generator = UpGenerator(
            latent_dim=config.latent_dim,
            base_shape=base,
            widths=generator_widths(doublings, config.width),
            stem=config.stem,
        )
        self.critic = Critic(
            base_shape=base,
            widths=critic_widths(doublings, config.width),
            norm=config.critic_norm,
            head=config.critic_head,
            head_bias=False,
        )

    def phases(self) -> Sequence[Phase[Reals]]:
        """The critic, then the generator."""
        config = self.config
        return [
            Phase(
                name="critic",
                trains=self.critic,
                loss=self.critic_loss,
                adam=config.adam_critic,
                repeats=config.critic_repeats,
            ),
            Phase(
                name="generator",
                trains=self.generator,
                loss=self.generator_loss,
                adam=config.adam_generator,
                repeats=config.generator_repeats,
            ),
        ]

    def critic_loss(self, batch: Reals) -> Terms:
        """Eq. (3): scores of fakes against those of reals, and the penalty of the slope."""
        count = len(batch.volumes)
        with torch.no_grad():
            fake = self.generate(self.draw_latents(count))
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.volumes.device.type, enabled=False):
            exact = next(self.critic.parameters()).dtype
            real, fake = batch.volumes.to(exact), fake.to(exact)
            mix = self.draw_mix(real)
            penalty = gradient_penalty(self.score, real, fake, mix, of=self.config.penalty_of)
            return {
                "distance": wasserstein(self.score(real), self.score(fake)),
                "penalty": self.config.penalty_weight * penalty,
            }

    def generator_loss(self, batch: Reals) -> Terms:
        """Scores of fakes, which G raises."""
        fake = self.generate(self.draw_latents(len(batch.volumes)))
        return {"fake": -self.score(fake).mean()}

    def score(self, volumes: Tensor) -> Logits:
        """One score a volume; it has no bounds."""
        scores: Logits = self.critic(volumes)[:, 0]
        return scores

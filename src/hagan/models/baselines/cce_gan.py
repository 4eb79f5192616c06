"""CCE-GAN (Xing et al. 2021): generator and encoder are held together by cycles of codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import EncodingGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import gradient_penalty
from hagan.models.transport import sinkhorn
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths
from hagan.types import Logits, Scalar


class CCEGAN(EncodingGAN):
    """Generator and encoder against a critic, their codes matched by optimal transport."""

    def __init__(self, config: CCEGANConfig) -> None:
        super().__init__(config)
        self.config = config
        doublings, base = doublings_of(config.volume_shape), base_of(config.volume_shape)
        widths = critic_widths(doublings, config.width)
        self.generator = UpGenerator(
            latent_dim=config.latent_dim,
            base_shape=base,
            widths=generator_widths(doublings, config.width),
            stem="transposed",
        )
        self.encoder = Critic(
            base_shape=base, widths=widths, norm=config.critic_norm, outputs=config.latent_dim
        )
        self.critic = Critic(
            base_shape=base, widths=widths, norm=config.critic_norm, head_bias=False
        )

    def phases(self) -> Sequence[Phase[Reals]]:
        """Generator and encoder, the encoder alone, the critic."""
        config = self.config
        return [
            Phase(
                name="autoencoder",
                trains=nn.ModuleList((self.encoder, self.generator)),
                loss=self.autoencoder_loss,
                adam=config.adam_generator,
            ),
            Phase(
                name="encoder",
                trains=self.encoder,
                loss=self.encoder_loss,
                adam=config.adam_encoder,
            ),
            Phase(
                name="critic",
                trains=self.critic,
                loss=self.critic_loss,
                adam=config.adam_critic,
                repeats=config.critic_repeats,
            ),
        ]

    # Losses.

    def autoencoder_loss(self, batch: Reals) -> Terms:
        """Rebuild, pass for real, and find each code again in the volume that it made."""
        config = self.config
        codes = self.encode(batch.volumes)
        rebuilt = self.generate(codes)
        drawn = self.draw_latents(len(codes))
        fake = self.generate(drawn)
        return {
            "rebuilt": config.reconstruction_weight * functional.l1_loss(rebuilt, batch.volumes),
            "pass_rebuilt": -self.score(rebuilt).mean(),
            "pass_fake": -self.score(fake).mean(),
            "cycle_encoded": config.cycle_weight * functional.mse_loss(codes, self.encode(rebuilt)),
            "cycle_drawn": config.cycle_weight * functional.mse_loss(drawn, self.encode(fake)),
        }

    def encoder_loss(self, batch: Reals) -> Terms:
        """Transport between drawn and encoded codes."""
        config = self.config
        # Not a mean over volumes, so that a cut batch needs the rows of all.
        encoded = self.whole_batch(self.encode(batch.volumes))
        drawn = self.whole_batch(self.draw_latents(len(batch.volumes)))
        with torch.autocast(encoded.device.type, enabled=False):
            exact = next(self.encoder.parameters()).dtype
            clouds = [drawn.to(exact), encoded.to(exact)]
            if config.transport_of == "entries":
                clouds = [codes.t() for codes in clouds]
            cost = sinkhorn(
                *clouds,
                epsilon=config.transport_epsilon,
                iterations=config.transport_iterations,
                unrolled=config.transport_unrolled,
            )
        return {"transport": config.transport_weight * cost}

    def critic_loss(self, batch: Reals) -> Terms:
        """Tell real volumes, counted twice, from rebuilt ones and from those of drawn codes."""
        with torch.no_grad():
            rebuilt = self.generate(self.encode(batch.volumes))
            fake = self.generate(self.draw_latents(len(rebuilt)))
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.volumes.device.type, enabled=False):
            exact = next(self.critic.parameters()).dtype
            real = batch.volumes.to(exact)
            rebuilt, fake = rebuilt.to(exact), fake.to(exact)
            return {
                "real": -2.0 * self.score(real).mean(),
                "rebuilt": self.score(rebuilt).mean(),
                "fake": self.score(fake).mean(),
                "penalty_rebuilt": self.penalty(real, rebuilt),
                "penalty_fake": self.penalty(real, fake),
            }

    def score(self, volumes: Tensor) -> Logits:
        """One score a volume; it has no bounds."""
        scores: Logits = self.critic(volumes)[:, 0]
        return scores

    def penalty(self, one: Tensor, other: Tensor) -> Scalar:
        """Weighted gradient penalty between two sets."""
        mix = self.draw_mix(one)
        return self.config.penalty_weight * gradient_penalty(self.score, one, other, mix)

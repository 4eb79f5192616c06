"""alpha-GAN (Rosca et al. 2017) for volumes (Kwon et al. 2019): an encoder, and critics of both.

Rebuilt volumes and those of random codes are fakes for one critic; a second one tells encoded codes
from drawn ones. The class-conditional form changes what HA-GAN's does: the label enters G beside
the code, and the critic names the class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import EncodingGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import bce, class_loss, gradient_penalty
from hagan.networks.codes import CodeCritic
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths
from hagan.types import Logits, Scalar


class AlphaGAN(EncodingGAN):
    """Generator and encoder against a critic of volumes and a critic of codes."""

    def __init__(self, config: AlphaGANConfig) -> None:
        super().__init__(config)
        self.config = config
        doublings, base = doublings_of(config.volume_shape), base_of(config.volume_shape)
        widths = critic_widths(doublings, config.width)
        by_cross_entropy = config.loss == "cross-entropy"
        self.generator = UpGenerator(
            latent_dim=config.latent_dim,
            num_classes=config.num_classes,
            base_shape=base,
            widths=generator_widths(doublings, config.width),
            stem="transposed",
        )
        self.encoder = Critic(
            base_shape=base, widths=widths, norm=config.critic_norm, outputs=config.latent_dim
        )
        self.critic = Critic(
            base_shape=base,
            widths=widths,
            norm=config.critic_norm,
            outputs=1 + config.num_classes,
            head_bias=by_cross_entropy or config.num_classes > 0,
        )
        self.code_critic = CodeCritic(
            latent_dim=config.latent_dim,
            hidden=config.code_width * config.width,
            normalised=config.code_norm,
            bias=by_cross_entropy,
        )

    def phases(self) -> Sequence[Phase[Reals]]:
        """Encoder and generator, then the critic of volumes, then that of codes."""
        config = self.config
        return [
            Phase(
                name="autoencoder",
                trains=nn.ModuleList((self.encoder, self.generator)),
                loss=self.autoencoder_loss,
                adam=config.adam_generator,
            ),
            Phase(
                name="critic",
                trains=self.critic,
                loss=self.critic_loss,
                adam=config.adam_critic,
                repeats=config.critic_repeats,
            ),
            Phase(
                name="code_critic",
                trains=self.code_critic,
                loss=self.code_critic_loss,
                adam=config.adam_code,
                repeats=config.critic_repeats,
            ),
        ]

    # Losses.

    def autoencoder_loss(self, batch: Reals) -> Terms:
        """Rebuild the real volumes, and pass for real before both critics."""
        config = self.config
        codes = self.encode(batch.volumes)
        rebuilt = self.generate(codes, batch.labels)
        fake = self.generate(self.draw_latents(len(codes)), batch.labels)
        verdicts = self.critic(fake)
        terms = {
            "rebuilt": config.reconstruction_weight * functional.l1_loss(rebuilt, batch.volumes),
            "code": self.passing(self.code_critic(codes)),
            "pass_rebuilt": self.passing(self.critic(rebuilt)[:, 0]),
            "pass_fake": self.passing(verdicts[:, 0]),
        }
        if batch.labels is not None:
            by_class = class_loss(verdicts[:, 1:], batch.labels)
            terms["class"] = config.class_weight_generator * by_class
        return terms

    def critic_loss(self, batch: Reals) -> Terms:
        """Tell real volumes, counted twice, from rebuilt ones and from those of drawn codes."""
        with torch.no_grad():
            rebuilt = self.generate(self.encode(batch.volumes), batch.labels)
            fake = self.generate(self.draw_latents(len(rebuilt)), batch.labels)
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.volumes.device.type, enabled=False):
            exact = next(self.critic.parameters()).dtype
            real = batch.volumes.to(exact)
            rebuilt, fake = rebuilt.to(exact), fake.to(exact)
            verdicts = self.critic(real)
            terms = {
                "real": 2.0 * self.told(verdicts[:, 0], real=True),
                "rebuilt": self.told(self.critic(rebuilt)[:, 0], real=False),
                "fake": self.told(self.critic(fake)[:, 0], real=False),
            }
            if self.config.loss == "wasserstein":
                terms["penalty_rebuilt"] = self.penalty(self.score, real, rebuilt)
                terms["penalty_fake"] = self.penalty(self.score, real, fake)
            if batch.labels is not None:
                by_class = class_loss(verdicts[:, 1:], batch.labels)
                terms["class"] = self.config.class_weight_critic * by_class
        return terms

    def code_critic_loss(self, batch: Reals) -> Terms:
        """Tell drawn codes from encoded ones."""
        with torch.no_grad():
            encoded = self.encode(batch.volumes)
            drawn = self.draw_latents(len(encoded))
        with torch.autocast(batch.volumes.device.type, enabled=False):
            exact = next(self.code_critic.parameters()).dtype
            encoded, drawn = encoded.to(exact), drawn.to(exact)
            terms = {
                "drawn": self.told(self.code_critic(drawn), real=True),
                "encoded": self.told(self.code_critic(encoded), real=False),
            }
            if self.config.loss == "wasserstein":
                terms["penalty"] = self.penalty(self.code_critic, drawn, encoded)
        return terms

    def score(self, volumes: Tensor) -> Logits:
        """The critic's number for each volume, without its classes."""
        scores: Logits = self.critic(volumes)[:, 0]
        return scores

    def told(self, numbers: Logits, *, real: bool) -> Scalar:
        """A critic's loss of numbers that should say real, or not."""
        if self.config.loss == "cross-entropy":
            return bce(numbers, real=real)
        return -numbers.mean() if real else numbers.mean()

    def passing(self, numbers: Logits) -> Scalar:
        """The loss of whoever wants those numbers to say real."""
        return self.told(numbers, real=True)

    def penalty(self, critic: Callable[[Tensor], Tensor], one: Tensor, other: Tensor) -> Scalar:
        """Weighted gradient penalty between two sets."""
        mix = self.draw_mix(one)
        return self.config.penalty_weight * gradient_penalty(critic, one, other, mix)

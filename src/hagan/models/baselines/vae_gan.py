"""VAE-GAN (Larsen et al. 2016) for volumes (Kwon et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import EncodingGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import bce, kl_to_prior
from hagan.networks.codes import VariationalEncoder, sampled
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths
from hagan.types import Latents, Logits, Scalar, Volumes


class VAEGAN(EncodingGAN):
    """A variational auto-encoder whose decoder is a generator with a critic."""

    def __init__(self, config: VAEGANConfig) -> None:
        super().__init__(config)
        self.config = config
        doublings, base = doublings_of(config.volume_shape), base_of(config.volume_shape)
        widths = critic_widths(doublings, config.width)
        ours, levels, ends = base, doublings, widths
        if config.deeper:
            depth, height, width = base
            ours, levels = (depth // 2, height // 2, width // 2), doublings + 1
            ends = (*widths, widths[-1])
        self.generator = UpGenerator(
            latent_dim=config.latent_dim,
            base_shape=ours,
            widths=generator_widths(levels, config.width, most=8 * config.width),
            bias=config.deeper,
        )
        self.encoder = VariationalEncoder(
            latent_dim=config.latent_dim,
            base_shape=ours,
            widths=ends,
            hidden=config.head_width * config.width,
            norm=config.critic_norm,
        )
        self.critic = Critic(base_shape=base, widths=widths, norm=config.critic_norm)

    def phases(self) -> Sequence[Phase[Reals]]:
        """The critic, the generator, the encoder."""
        config = self.config
        return [
            Phase(
                name="critic", trains=self.critic, loss=self.critic_loss, adam=config.adam_critic
            ),
            Phase(
                name="generator",
                trains=self.generator,
                loss=self.generator_loss,
                adam=config.adam_generator,
            ),
            Phase(
                name="encoder",
                trains=self.encoder,
                loss=self.encoder_loss,
                adam=config.adam_encoder,
            ),
        ]

    def chance_terms(self) -> dict[str, float]:
        """Logarithms of 2."""
        return {"critic/real": math.log(2.0), "critic/fake": math.log(2.0)}

    def encode(self, volumes: Volumes) -> Latents:
        """The means [b, z] of the codes of volumes [b, 1, d, h, w]."""
        mean: Latents = self.encoder(volumes)[0]
        return mean

    # Losses.

    def critic_loss(self, batch: Reals) -> Terms:
        """Tell real volumes from rebuilt ones and from those of drawn codes."""
        with torch.no_grad():
            rebuilt, fake = self.fakes(batch)
        return {
            "real": bce(self.logits(batch.volumes), real=True),
            "rebuilt": bce(self.logits(rebuilt), real=False),
            "fake": bce(self.logits(fake), real=False),
        }

    def generator_loss(self, batch: Reals) -> Terms:
        """Rebuild, and let both kinds of fakes pass for real."""
        rebuilt, fake = self.fakes(batch)
        terms = {"likeness": self.config.generator_weight * self.unlike(rebuilt, batch.volumes)}
        for name, volumes in (("pass_rebuilt", rebuilt), ("pass_fake", fake)):
            logits = self.logits(volumes)
            saturating = self.config.saturating
            terms[name] = -bce(logits, real=False) if saturating else bce(logits, real=True)
        return terms

    def encoder_loss(self, batch: Reals) -> Terms:
        """The bound of the likelihood: rebuild from codes that stay near the prior."""
        mean, log_variance = self.encoder(batch.volumes)
        rebuilt = self.generate(sampled(mean, log_variance, self.draw_latents(len(mean))))
        return {
            "divergence": self.config.divergence_weight * kl_to_prior(mean, log_variance),
            "likeness": self.config.encoder_weight * self.unlike(rebuilt, batch.volumes),
        }

    def fakes(self, batch: Reals) -> tuple[Volumes, Volumes]:
        """Rebuilt volumes, and those of drawn codes."""
        count = len(batch.volumes)
        mean, log_variance = self.encoder(batch.volumes)
        rebuilt = self.generate(sampled(mean, log_variance, self.draw_latents(count)))
        return rebuilt, self.generate(self.draw_latents(count))

    def unlike(self, rebuilt: Volumes, real: Volumes) -> Scalar:
        """Mean squared difference, of voxels or of the critic's last features."""
        if self.config.reconstruction == "voxel":
            return functional.mse_loss(rebuilt, real)
        return functional.mse_loss(self.critic.body(rebuilt), self.critic.body(real))

    def logits(self, volumes: Tensor) -> Logits:
        """One logit a volume."""
        logits: Logits = self.critic(volumes)[:, 0]
        return logits

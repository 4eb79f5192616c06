"""VAE-GAN's recipes."""

from __future__ import annotations

from dataclasses import replace

from hagan.config.adam import AdamConfig
from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)

HA_SIDE = 128
"""From this side on the networks are those that HA-GAN's authors made, below it Kwon's."""


def vae_gan(side: int) -> RunConfig:
    """VAE-GAN as the paper's authors ran it, as far as that is known.

    Kwon's networks at 64 and the authors' at 128, 1000 latents; losses of Kwon's notebook: squared
    voxel differences 20 in G and 10 in the encoder, a divergence that is a mean over entries, a
    generator that minimises minus the critic's loss; Adam (0.9, 0.999) at 1e-4, batch 4, 80,000
    steps. Left out: the authors' G at 128 has one batch normalisation in two places, whose
    remembered statistics fit neither. Expected on COPDGene at 128: FID 0.139, MMD 1.065 (Table II).
    """
    return RunConfig(
        name=f"vae-gan-{side}",
        model=VAEGANConfig(volume_shape=(side, side, side), deeper=side >= HA_SIDE),
        training=TrainingConfig(),
    )


def vae_gan_sound(side: int) -> RunConfig:
    """VAE-GAN with the losses of its own paper (Larsen et al. 2016, algorithm 1).

    Rebuilt and real volumes are compared in the critic's last features, and G has the loss that
    does not saturate; Adam's beta 1 is 0.5, group normalisation in critic and encoder, moving
    average of the weights as for every sound recipe.
    """
    return RunConfig(
        name=f"vae-gan-sound-{side}",
        model=_sound(side, 1e-4),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def vae_gan_tiny(side: int) -> RunConfig:
    """`vae-gan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    return RunConfig(
        name=f"vae-gan-tiny-{side}",
        model=replace(_sound(side, 5e-4), latent_dim=64, width=8),
        training=TrainingConfig(
            steps=1200, average_half_life=500.0, save_every=200, preview_every=200
        ),
    )


def _sound(side: int, rate: float) -> VAEGANConfig:
    adam = AdamConfig(learning_rate=rate, beta1=0.5, beta2=0.999)
    return VAEGANConfig(
        volume_shape=(side, side, side),
        deeper=side >= HA_SIDE,
        critic_norm="group",
        reconstruction="feature",
        saturating=False,
        adam_generator=adam,
        adam_encoder=adam,
        adam_critic=adam,
    )


FAMILIES: Families = {
    "vae-gan": (vae_gan, SIDES),
    "vae-gan-sound": (vae_gan_sound, SIDES),
    "vae-gan-tiny": (vae_gan_tiny, (32,)),
}
"""VAE-GAN's families of recipes."""

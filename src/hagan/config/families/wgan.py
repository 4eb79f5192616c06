"""WGAN-GP's recipes."""

from __future__ import annotations

from hagan.config.adam import AdamConfig
from hagan.config.baselines.wgan import WGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)

HA_SIDE = 128
"""From this side on the networks are those that HA-GAN's authors made, below it Kwon's."""


def wgan(side: int) -> RunConfig:
    """WGAN-GP as the paper's authors ran it, as far as that is known.

    Networks: Kwon's at 64, and HA-GAN's authors' at 128, whose critic scores slices; 1000 and 1024
    latents; other sides follow the nearer of the two. No training script of theirs is published:
    rates, batch 4, the penalty by voxel and five turns of G for one of the critic are those of
    Kwon's notebook, 80,000 steps those of the paper. Expected on COPDGene at 128: FID 0.012, MMD
    0.092 (Table II).
    """
    adam = AdamConfig(learning_rate=2e-4, beta1=0.9, beta2=0.999)
    theirs = side >= HA_SIDE
    return RunConfig(
        name=f"wgan-{side}",
        model=WGANConfig(
            volume_shape=(side, side, side),
            latent_dim=1024 if theirs else 1000,
            stem="transposed" if theirs else "linear",
            critic_norm="batch",
            critic_head="slices" if theirs else "strided",
            penalty_of="voxel",
            generator_repeats=5,
            adam_generator=adam,
            adam_critic=adam,
        ),
        training=TrainingConfig(),
    )


def wgan_sound(side: int) -> RunConfig:
    """WGAN-GP with the defaults of its own paper (Gulrajani et al. 2017, algorithm 1).

    The slope of each volume, five turns of the critic for one of G, Adam (0, 0.9) at 1e-4; group
    normalisation in the critic, since the penalty excludes normalisation over the batch; a critic
    that reads the whole last grid; moving average of the weights as for every sound recipe.
    """
    adam = AdamConfig(learning_rate=1e-4, beta1=0.0, beta2=0.9)
    return RunConfig(
        name=f"wgan-sound-{side}",
        model=WGANConfig(
            volume_shape=(side, side, side),
            latent_dim=1024,
            critic_norm="group",
            critic_head="whole",
            critic_repeats=5,
            adam_generator=adam,
            adam_critic=adam,
        ),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def wgan_tiny(side: int) -> RunConfig:
    """`wgan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    adam = AdamConfig(learning_rate=5e-4, beta1=0.0, beta2=0.9)
    return RunConfig(
        name=f"wgan-tiny-{side}",
        model=WGANConfig(
            volume_shape=(side, side, side),
            latent_dim=64,
            width=8,
            critic_norm="group",
            critic_head="whole",
            critic_repeats=5,
            adam_generator=adam,
            adam_critic=adam,
        ),
        training=TrainingConfig(
            steps=1200,
            average_half_life=500.0,
            save_every=200,
            preview_every=200,
        ),
    )


FAMILIES: Families = {
    "wgan": (wgan, SIDES),
    "wgan-sound": (wgan_sound, SIDES),
    "wgan-tiny": (wgan_tiny, (32,)),
}
"""WGAN-GP's families of recipes."""

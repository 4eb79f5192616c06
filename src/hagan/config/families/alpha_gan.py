"""alpha-GAN's recipes."""

from __future__ import annotations

from dataclasses import replace

from hagan.config.adam import AdamConfig
from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)


def alpha_gan(side: int) -> RunConfig:
    """alpha-GAN as the paper's authors ran it: Kwon's Wasserstein form with gradient penalties.

    Kwon's networks at 64 and the authors' at 128, 1000 latents, a code critic of 4096 channels,
    Adam (0.9, 0.999) at 2e-4, batch 4, 10 times the absolute difference, 80,000 steps. Two faults
    of Kwon's notebook are left out: G's optimiser is stepped twice with one gradient, and the code
    critic gets no gradient from encoded codes. Expected on COPDGene at 128: FID 0.010, MMD 0.089
    (Table II).
    """
    return RunConfig(
        name=f"alpha-gan-{side}",
        model=AlphaGANConfig(volume_shape=(side, side, side)),
        training=TrainingConfig(),
    )


def alpha_gan_sound(side: int) -> RunConfig:
    """alpha-GAN with penalties whose derivation holds and a code critic that any batch suits.

    Group normalisation in critic and encoder and none in the code's critic, Adam (0, 0.9) at 1e-4
    as WGAN-GP's paper has it, moving average of the weights as for every sound recipe.
    """
    adam = AdamConfig(learning_rate=1e-4, beta1=0.0, beta2=0.9)
    return RunConfig(
        name=f"alpha-gan-sound-{side}",
        model=_sound(side, adam),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def alpha_gan_tiny(side: int) -> RunConfig:
    """`alpha-gan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    adam = AdamConfig(learning_rate=5e-4, beta1=0.0, beta2=0.9)
    return RunConfig(
        name=f"alpha-gan-tiny-{side}",
        model=replace(_sound(side, adam), latent_dim=64, width=8),
        training=TrainingConfig(
            steps=1200, average_half_life=500.0, save_every=200, preview_every=200
        ),
    )


def _sound(side: int, adam: AdamConfig) -> AlphaGANConfig:
    return AlphaGANConfig(
        volume_shape=(side, side, side),
        critic_norm="group",
        code_norm=False,
        adam_generator=adam,
        adam_critic=adam,
        adam_code=adam,
    )


FAMILIES: Families = {
    "alpha-gan": (alpha_gan, SIDES),
    "alpha-gan-sound": (alpha_gan_sound, SIDES),
    "alpha-gan-tiny": (alpha_gan_tiny, (32,)),
}
"""alpha-GAN's families of recipes."""

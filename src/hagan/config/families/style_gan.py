"""3D StyleGAN 2's recipes."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from hagan.config.adam import AdamConfig
from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)

ADAM = AdamConfig(learning_rate=2e-3, beta1=0.0, beta2=0.99)

FINE = 256
"""From this side on a volume has more voxels than the grid of 1 mm of Hong et al."""

GAMMA, GAMMA_SHAPE = 10.0, (80, 96, 112)
"""Gamma of R1 at the grid of 2 mm of Hong et al."""


def style_gan(side: int) -> RunConfig:
    """3D StyleGAN 2 as Hong et al. 2021 ran it on a grid of 2 mm with R1.

    96 channels at every level and 128 latents, at side 256 the 18 and 96 of their grid of 1 mm,
    which 96 channels do not fit; filters of five taps, logistic loss with R1 of gamma 10
    and path lengths of weight 2, both at every step since lazy regularisation was off; Adam
    (0, 0.99) at 2e-3; moving average of 10,000 images. What HA-GAN's authors set is not known;
    batch 4 and 80,000 steps are those of the paper's other models. The original's doubling halves
    a constant, as its filter has the gain of 2D, and its transposed kernels are turned on two of
    three axes: here both are as in 2D. It keeps numbers in fp16 without loss scaling, this in
    fp32. Expected on COPDGene at 128: FID 0.011, MMD 0.071 (Table II).
    """
    is_fine = side >= FINE
    return RunConfig(
        name=f"style-gan-{side}",
        model=StyleGANConfig(
            volume_shape=(side, side, side),
            latent_dim=96 if is_fine else 128,
            width=18 if is_fine else 96,
            filter_taps=(1, 3, 3, 3, 1),
            r1_gamma=GAMMA,
            r1_every=1,
            path_every=1,
            adam_generator=ADAM,
            adam_discriminator=ADAM,
        ),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def style_gan_sound(side: int) -> RunConfig:
    """3D StyleGAN 2 with the defaults of its own paper (Karras et al. 2020, appendix B).

    Filters of four taps, which double a constant to a constant; R1 at every 16th step and path
    lengths at every 8th, each counted as often, with Adam's settings brought to the powers that
    StyleGAN 2 gives them for it; gamma in proportion to the voxels, as StyleGAN 2's own goes with
    the pixels, from 10 at the grid of 2 mm of Hong et al.; half-life of 10,000 images. 64 channels
    up to side 64, and half as many for each doubling from there on, for memory: Hong et al. went
    from 96 to 16 and 24 when they halved the voxels' edges.
    """
    config = StyleGANConfig(
        volume_shape=(side,) * 3, width=min(64, 4096 // side), r1_gamma=_gamma(side)
    )
    return RunConfig(
        name=f"style-gan-sound-{side}",
        model=_lazy(config),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def style_gan_tiny(side: int) -> RunConfig:
    """`style-gan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    config = StyleGANConfig(
        volume_shape=(side,) * 3, latent_dim=64, width=16, r1_gamma=_gamma(side)
    )
    return RunConfig(
        name=f"style-gan-tiny-{side}",
        model=_lazy(config),
        training=TrainingConfig(
            steps=1200,
            average_half_life=500.0,
            save_every=200,
            preview_every=200,
        ),
    )


def _gamma(side: int) -> float:
    return GAMMA * side**3 / prod(GAMMA_SHAPE)


def _lazy(config: StyleGANConfig) -> StyleGANConfig:
    return replace(
        config,
        adam_generator=rescaled(ADAM, config.path_every),
        adam_discriminator=rescaled(ADAM, config.r1_every),
    )


def rescaled(adam: AdamConfig, every: int) -> AdamConfig:
    """Adam for a player whose regulariser comes at every so many steps (Karras et al. 2020).

    There the regulariser is a step of its own, so that every + 1 steps stand for as many as
    `every` were: the rate is multiplied with every / (every + 1), which is the betas' power.
    """
    share = every / (every + 1)
    return replace(
        adam,
        learning_rate=adam.learning_rate * share,
        beta1=adam.beta1**share,
        beta2=adam.beta2**share,
    )


FAMILIES: Families = {
    "style-gan": (style_gan, SIDES),
    "style-gan-sound": (style_gan_sound, SIDES),
    "style-gan-tiny": (style_gan_tiny, (32,)),
}
"""3D StyleGAN 2's families of recipes."""

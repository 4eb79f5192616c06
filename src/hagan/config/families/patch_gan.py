"""Recipes of the multi-scale patch GAN."""

from __future__ import annotations

from dataclasses import replace

from hagan.config.adam import AdamConfig
from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)


def patch_gan(side: int) -> RunConfig:
    """The networks, losses and grid of Uzunova et al. 2019, without sketches.

    From their code: patches of 32, of which 20 are kept on a grid of 20; low-resolution patches of
    twice the field; residual generators with instance normalisation, critics with batch
    normalisation; least squares with the critic's loss halved and left out above 80 % of right
    answers; 10 times the absolute difference; Adam (0.5, 0.999) at 2e-4; noise of 0.01. Chosen
    here: a convolutional GAN of 1024 latents for scale 0, at most 64 voxels a side and half the
    volume's; noise and the doubled low-resolution patch where they have a sketch; no dropout, which
    would be a second source of noise; batch 4 rather than 1, for the batch normalisation of scale
    0; 80,000 steps as for the other rivals. At side 32 patches and grid are half as large. It is no
    row of the paper's tables, so nothing is known of its figures.
    """
    return RunConfig(name=f"patch-gan-{side}", model=_paper(side), training=TrainingConfig())


def patch_gan_sound(side: int) -> RunConfig:
    """`patch-gan` without what makes neighbouring patches differ or training jump.

    Generators of patches normalise each voxel by itself, so that a patch's brightness does not
    depend on what else it holds; kept parts overlap by a fifth and are averaged; critics normalise
    by groups, as a score should not depend on the other volumes, and never rest; moving average of
    the weights as for every sound recipe. A volume of 256 is made of 3375 patches and more: that
    asks for a GPU.
    """
    return RunConfig(
        name=f"patch-gan-sound-{side}",
        model=_sound(side),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def patch_gan_tiny(side: int) -> RunConfig:
    """`patch-gan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    adam = AdamConfig(learning_rate=5e-4, beta1=0.5)
    return RunConfig(
        name=f"patch-gan-tiny-{side}",
        model=replace(
            _sound(side), latent_dim=64, width=8, blocks=2, adam_generator=adam, adam_critic=adam
        ),
        training=TrainingConfig(
            steps=1200, average_half_life=500.0, save_every=200, preview_every=200
        ),
    )


def _paper(side: int) -> PatchGANConfig:
    shape = (side, side, side)
    if side == SIDES[0]:
        return PatchGANConfig(volume_shape=shape, patch=16, inner=10, stride=10)
    return PatchGANConfig(volume_shape=shape)


def _sound(side: int) -> PatchGANConfig:
    return replace(
        _paper(side),
        stride=8 if side == SIDES[0] else 16,
        generator_norm="rms",
        critic_norm="group",
        critic_rest=None,
    )


FAMILIES: Families = {
    "patch-gan": (patch_gan, SIDES),
    "patch-gan-sound": (patch_gan_sound, SIDES),
    "patch-gan-tiny": (patch_gan_tiny, (32,)),
}
"""The patch GAN's families of recipes."""

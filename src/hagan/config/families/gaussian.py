"""Recipes of the Gaussian without a network."""

from __future__ import annotations

from hagan.config.baselines.gaussian import GaussianConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)


def gaussian(side: int) -> RunConfig:
    """A Gaussian on 104 principal components of the training volumes: what no network needs.

    Nobody published it: it is the least that a GAN has to beat. A step takes up a batch and each
    volume counts once, so that steps times batch should be one pass over the store or more: 600
    steps of 16 pass once over the 9276 volumes of COPDGene, and more than once over any smaller
    store, where further passes change little. It keeps 4 bytes for each voxel of each component,
    7 GiB at 256 and a few times that while it trains. There is no moving average: components of
    different steps have no mean.
    """
    return RunConfig(
        name=f"gaussian-{side}",
        model=GaussianConfig(volume_shape=(side, side, side)),
        training=TrainingConfig(steps=600, batch_size=16, save_every=200, preview_every=200),
    )


def gaussian_tiny(side: int) -> RunConfig:
    """`gaussian` with 32 components and 100 steps of 8, for demos and tests; seconds on a CPU."""
    return RunConfig(
        name=f"gaussian-tiny-{side}",
        model=GaussianConfig(volume_shape=(side, side, side), latent_dim=32),
        training=TrainingConfig(steps=100, batch_size=8, save_every=50, preview_every=50),
    )


FAMILIES: Families = {
    "gaussian": (gaussian, SIDES),
    "gaussian-tiny": (gaussian_tiny, (32,)),
}
"""The Gaussian's families of recipes."""

"""CCE-GAN's recipes."""

from __future__ import annotations

from dataclasses import replace

from hagan.config.adam import AdamConfig
from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)


def cce_gan(side: int) -> RunConfig:
    """CCE-GAN with the losses of its authors' notebook, on alpha-GAN's networks.

    100 times the absolute difference, cycles of 50, transport of 100 between the entries of drawn
    and encoded codes (epsilon 0.1, 100 iterations in the log domain, gradients through them), three
    turns of the critic, each with fakes of its own, Adam (0.9, 0.999) at 2e-4, batch 4. Networks
    for 128 were not published; 80,000 steps are HA-GAN's, and G's optimiser is stepped once a
    gradient, not twice. Expected on COPDGene at 128: FID 0.010, MMD 0.087 (Table II).
    """
    return RunConfig(
        name=f"cce-gan-{side}",
        model=CCEGANConfig(volume_shape=(side, side, side)),
        training=TrainingConfig(),
    )


def cce_gan_sound(side: int) -> RunConfig:
    """CCE-GAN whose transport moves codes, not their entries, and whose penalties are sound.

    The entries' transport lets any two coordinates change places. Moving the codes themselves is a
    match of the two sets; the plan counts as fixed, which is the gradient of the regularised cost.
    Costs of codes grow with their entries, so that epsilon is larger and the weight smaller in
    proportion. Group normalisation in critic and encoder, Adam (0, 0.9) at 1e-4 as in WGAN-GP's
    paper, moving average of the weights as for every sound recipe.
    """
    return RunConfig(
        name=f"cce-gan-sound-{side}",
        model=_sound(side, 1e-4),
        training=TrainingConfig(average_half_life=10_000.0),
    )


def cce_gan_tiny(side: int) -> RunConfig:
    """`cce-gan-sound` narrow enough to train in minutes on two CPU cores, for demos and tests."""
    return RunConfig(
        name=f"cce-gan-tiny-{side}",
        model=replace(
            _sound(side, 5e-4), latent_dim=64, width=8, transport_epsilon=6.4, transport_weight=1.5
        ),
        training=TrainingConfig(
            steps=1200, average_half_life=500.0, save_every=200, preview_every=200
        ),
    )


def _sound(side: int, rate: float) -> CCEGANConfig:
    adam = AdamConfig(learning_rate=rate, beta1=0.0, beta2=0.9)
    return CCEGANConfig(
        volume_shape=(side, side, side),
        critic_norm="group",
        transport_of="codes",
        transport_unrolled=False,
        transport_epsilon=100.0,
        transport_weight=0.1,
        adam_generator=adam,
        adam_encoder=adam,
        adam_critic=adam,
    )


FAMILIES: Families = {
    "cce-gan": (cce_gan, SIDES),
    "cce-gan-sound": (cce_gan_sound, SIDES),
    "cce-gan-tiny": (cce_gan_tiny, (32,)),
}
"""CCE-GAN's families of recipes."""

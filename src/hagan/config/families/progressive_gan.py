"""Progressive GAN's recipes."""

from __future__ import annotations

from hagan.config.adam import AdamConfig
from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.families.family import Families
from hagan.config.training import RunConfig, TrainingConfig

SIDES = (32, 64, 128, 256)

IMAGES = {4: 80_000, 8: 100_000, 16: 120_000, 32: 140_000, 64: 160_000, 128: 180_000, 256: 200_000}
"""Real volumes that the 3D port shows in a side's fade, and again after it; it ends at 128, and 256
goes on in its steps of 20,000."""

BATCH = 4
"""Volumes a step at every level: one run has one batch size, and the last level has to fit it."""

BUDGET = 80_000
"""Steps of the paper's other models."""


def progressive_gan(side: int) -> RunConfig:
    """Progressive GAN in the 3D port that the paper's authors ran.

    Networks, losses and images of a level are those of the port's last version: convolutions of 4,
    at most 256 channels in G and 512 in the critic, halved from side 16 on; tanh; Adam (0, 0.99) at
    1e-4; first trained at 8 x 8 x 8, which fades in. It lacks Karras' equalised rate, standard
    deviation over the batch, second convolution of the critic and moving average. Steps are the
    port's images over a batch of 4. What else the authors set is not known. The port gives each
    level another batch and new optimisers, the fade one weight a pass over the data, and shrinks
    volumes with their range stretched anew; here each is the same at all levels, and the weight
    follows the step. Expected on COPDGene at 128: FID 0.015, MMD 0.150 (Table II).
    """
    adam = AdamConfig(learning_rate=1e-4, beta1=0.0, beta2=0.99)
    sides = [s for s in IMAGES if 8 <= s <= side]
    steps = tuple(IMAGES[s] // BATCH for s in sides)
    return RunConfig(
        name=f"progressive-gan-{side}",
        model=ProgressiveGANConfig(
            volume_shape=(side, side, side),
            latent_dim=1024,
            critic_widening=2,
            layout="strided",
            equalised=False,
            deviation_group=0,
            output="tanh",
            first_level=1,
            fade_steps=steps,
            stable_steps=steps,
            adam_generator=adam,
            adam_critic=adam,
        ),
        training=TrainingConfig(steps=2 * sum(steps), batch_size=BATCH),
    )


def progressive_gan_sound(side: int) -> RunConfig:
    """Progressive GAN as Karras et al. 2018 define it, with 3D operations.

    Equalised learning rate, pixel normalisation, standard deviation over groups of 4, two
    convolutions a level in both networks, a linear output, WGAN-GP with a drift of 0.001, Adam
    (0, 0.99) at 1e-3, 512 latents, from 4 x 4 x 4 on. The moving average is that of every sound
    recipe: 10,000 images, where Karras' 0.999 for batches of 16 has a half-life of 11,090.
    Channels are the 3D port's, 2048 over the side and at most 256, since 3D features are larger.
    Steps are the 3D port's images of a level, all in proportion, so that the run has the 80,000
    steps of the other models.
    """
    sides = [s for s in IMAGES if s <= side]
    shown = IMAGES[4] + 2 * sum(IMAGES[s] for s in sides[1:])
    steps = tuple(BUDGET * IMAGES[s] // shown for s in sides)
    return RunConfig(
        name=f"progressive-gan-sound-{side}",
        model=ProgressiveGANConfig(
            volume_shape=(side, side, side), fade_steps=steps[1:], stable_steps=steps
        ),
        training=TrainingConfig(steps=BUDGET, batch_size=BATCH, average_half_life=10_000.0),
    )


def progressive_gan_tiny(side: int) -> RunConfig:
    """`progressive-gan-sound` narrow enough to train in minutes on two CPU cores, for demos.

    The last level fades in slowly and is there at step 540 of 1200.
    """
    return RunConfig(
        name=f"progressive-gan-tiny-{side}",
        model=ProgressiveGANConfig(
            volume_shape=(side, side, side),
            latent_dim=64,
            width=32,
            channels_times_side=128,
            fade_steps=(60, 100, 240),
            stable_steps=(60, 40),
        ),
        training=TrainingConfig(
            steps=1200,
            batch_size=BATCH,
            average_half_life=500.0,
            save_every=200,
            preview_every=200,
        ),
    )


FAMILIES: Families = {
    "progressive-gan": (progressive_gan, SIDES),
    "progressive-gan-sound": (progressive_gan_sound, SIDES),
    "progressive-gan-tiny": (progressive_gan_tiny, (32,)),
}
"""Progressive GAN's families of recipes."""

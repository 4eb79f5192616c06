"""HA-GAN's recipes: the paper's, the released code's and what measured best."""

from __future__ import annotations

from dataclasses import replace

from hagan.config.adam import AdamConfig
from hagan.config.families.family import Families
from hagan.config.ha_gan import HAGANConfig
from hagan.config.training import RunConfig, TrainingConfig
from hagan.config.warm_start import WarmStartConfig

SIDES = (32, 64, 128, 256, 512)

DEEP_SIDE, DEEP_SLABS = 512, 16
"""From this side on A is an eighth of the volume instead of a quarter, and slabs are thinner."""


def of_side(model: HAGANConfig, side: int) -> HAGANConfig:
    """A model for cubes of a side: as deep as the paper's up to 256, one doubling deeper beyond.

    At 512 A is 64 cubed as at 256, and a slab 32 slices: a step of `hagan` with batch 2 is
    predicted to hold 5.2 GiB of tensors, weights and Adam included, where the paper's depth and 8
    slabs take 16.7.
    """
    shape = (side, side, side)
    if side < DEEP_SIDE:
        return replace(model, volume_shape=shape)
    return replace(model, volume_shape=shape, high_doublings=3, num_slabs=DEEP_SLABS)


def hagan_paper(side: int) -> RunConfig:
    """HA-GAN as the paper describes it (sections III and IV).

    r over every slice with aligned slabs, two adversarial losses, lambda 1 = lambda 2 = 5,
    encoders trained apart from G and D, last weights, Adam (0, 0.999) at 1e-4 and 4e-4, batch 4,
    80,000 steps. What the paper leaves open: X^L is the mean of 4 x 4 x 4 voxels, since every 4th
    voxel aliases. Expected on COPDGene at 256: FID 0.008, MMD 0.022 (Table II).
    """
    return RunConfig(
        name=f"hagan-paper-{side}",
        model=of_side(HAGANConfig(), side),
        training=TrainingConfig(batch_size=2 if side >= DEEP_SIDE else 4),
    )


def hagan_official(side: int) -> RunConfig:
    """HA-GAN as the released code computes it, number for number.

    Features cut at r // 4 with zero padding, one cross entropy of the two logits' mean, X^L every
    4th voxel, reconstruction losses unweighted with Eq. (7) as a mean, class loss 1.0 on reals in
    D and 0.1 on fakes in G.
    """
    return RunConfig(
        name=f"hagan-official-{side}",
        model=of_side(
            HAGANConfig(
                alignment="floor",
                low_real="nearest",
                adversarial="mean-logit",
                slab_weight=1.0,
                image_weight=1.0,
                image_reduction="mean",
                class_weight_generator=0.1,
                class_loss_on_fake=False,
            ),
            side,
        ),
        training=TrainingConfig(),
    )


def hagan(side: int) -> RunConfig:
    """HA-GAN with what measurement showed to be better; the default.

    Slabs that equal the whole volume (halo, RMS norm in G^H and E^H), anti-aliased X^L, paired
    relativistic loss with R1 and R2 instead of spectral norm; a learned template, at first the mean
    training volume, to which G^L adds and G^H adds details; G rebuilds the training volumes from
    fixed codes, voxels of the body counted four times, first alone and then beside the game with a
    weight that falls to 0; encoders every 8th step, held to the prior's moments and drawn to those
    codes; rates that fall to a quarter and penalties to a tenth; moving average of the weights.

    Measured at side 32 and width 8 on 104 real brains, two minutes of one core, three seeds:
    Frechet distance of random features 0.47 to 51 held-out brains (sd 0.10; floor 0.15, Gaussian on
    principal components 1.2; of three runs each of the paper's and the released recipe two were
    stopped as one face, the others had 21 and 2.7), coverage 0.95, recall 0.63, sharpness 0.90; no
    copies; holes in 9 to 19 % of the volumes, which are gone after five times the steps. By another
    extractor the Gaussian is ahead. At other sides and on CT nothing of it is measured; see
    docs/explanation/how-hagan-was-chosen.md.
    """
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.99)
    return RunConfig(
        name=f"hagan-{side}",
        model=of_side(
            HAGANConfig(
                high_norm="rms",
                spectral_norm=False,
                adversarial="relativistic",
                class_weight_generator=0.1,
                class_loss_on_fake=False,
                slab_weight=1.0,
                image_weight=1.0,
                template=True,
                low_skip=True,
                warm_start=WarmStartConfig(share=0.3, until=1.0, code_weight=5.0),
                encoder_every=8,
                gamma_end=0.1,
                prior_weight=50.0,
                body_weight=4.0,
                adam_generator=replace(adam, beta1=0.5),
                adam_discriminator=adam,
                adam_encoder=adam,
            ),
            side,
        ),
        training=TrainingConfig(
            batch_size=2 if side >= DEEP_SIDE else 4,
            average_half_life=10_000.0,
            learning_rate_ramp=50,
            learning_rate_end=0.25,
        ),
    )


def hagan_early(side: int) -> RunConfig:
    """HA-GAN before its encoder, as its authors ran it in 2020 (their v6).

    1,000 latents through a transposed convolution, G twice as wide (A has 128 channels) with batch
    normalisation, no encoder; discriminator, losses, rates and batch 4 as in `hagan-official`. It
    is what their notebooks call HA-GAN without encoder: Frechet distance on GSP 0.0074 where HA-GAN
    has 0.0026, one run each.
    """
    config = hagan_official(side).with_model(
        latent_dim=1000,
        generator_widening=2,
        stem="transposed",
        common_norm="batch",
        high_norm="batch",
        encoder=False,
    )
    return replace(config, name=f"hagan-early-{side}")


def hagan_tiny(side: int) -> RunConfig:
    """`hagan` narrow enough to train in minutes on two CPU cores, for demos and tests.

    Measured by `hagan demo` on an AMD EPYC, 1,200 steps: Frechet distance of random
    features 3.7 to 14 held-out thorax phantoms, where training phantoms have 1.5 and the untrained
    generator 733 (phantom figures, one seed).
    """
    adam = AdamConfig(learning_rate=1e-3, beta1=0.0, beta2=0.99)
    config = hagan(side).with_model(
        width=8,
        latent_dim=64,
        adam_generator=replace(adam, beta1=0.5),
        adam_discriminator=adam,
        adam_encoder=adam,
    )
    training = TrainingConfig(
        steps=1200,
        average_half_life=500.0,
        learning_rate_ramp=50,
        learning_rate_end=0.25,
        save_every=200,
        preview_every=200,
        log_every=10,
    )
    return replace(config, name=f"hagan-tiny-{side}", training=training)


def narrow(config: RunConfig, name: str) -> RunConfig:
    """A recipe as narrow as `hagan-tiny`, otherwise as it is, to be compared with it."""
    config = config.with_model(width=8, latent_dim=64)
    # The same saving as `hagan-tiny`: none of it changes what is learned.
    training = replace(config.training, steps=1200, save_every=200, preview_every=200)
    return replace(config, name=name, training=training)


def hagan_paper_tiny(side: int) -> RunConfig:
    """`hagan-paper` as narrow as `hagan-tiny`, with the paper's rates and its last weights."""
    return narrow(hagan_paper(side), f"hagan-paper-tiny-{side}")


def hagan_official_tiny(side: int) -> RunConfig:
    """`hagan-official` as narrow as `hagan-tiny`, with the released code's rates and weights."""
    return narrow(hagan_official(side), f"hagan-official-tiny-{side}")


FAMILIES: Families = {
    "hagan": (hagan, SIDES),
    "hagan-paper": (hagan_paper, SIDES),
    "hagan-official": (hagan_official, SIDES[:-1]),
    "hagan-early": (hagan_early, SIDES[:-1]),
    "hagan-tiny": (hagan_tiny, (32,)),
    "hagan-paper-tiny": (hagan_paper_tiny, (32,)),
    "hagan-official-tiny": (hagan_official_tiny, (32,)),
}
"""HA-GAN's families of recipes."""

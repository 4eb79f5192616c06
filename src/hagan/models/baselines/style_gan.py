"""StyleGAN 2 (Karras et al. 2020) for volumes, as Hong et al. 2021 have it.

R1 and the path length's penalty are lazy: terms of the loss at the steps that their intervals
divide, counted as often as the interval has steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import WholeVolumeGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import bce, gradient_square, path_lengths
from hagan.networks.minibatch_deviation import deviations, own_deviations
from hagan.networks.style import Mapping, StyleGenerator, Synthesis
from hagan.networks.style_discriminator import StyleDiscriminator
from hagan.networks.style_noise import seeded_noises
from hagan.types import FeatureMaps, Labels, Latents, Logits, LowVolumes, Rows, Scalar, Volumes

LARGEST_SEED = 2**53
"""Below it a float64 holds every whole number."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What is random in fakes, a row a volume."""

    latents: Latents
    others: Latents
    """Whose style the later layers take."""
    cuts: Rows
    """The first layer that takes it."""
    seeds: Rows
    """Of the noise of all layers."""

    def of(self, rows: list[int]) -> Draws:
        """Those of some volumes, in order."""
        picked = (each[rows] for each in (self.latents, self.others, self.cuts, self.seeds))
        return Draws(*picked)


class StyleGAN(WholeVolumeGAN):
    """A generator that scales its features by styles, and a residual discriminator."""

    generator: StyleGenerator
    path_mean: Tensor
    """Of the path lengths."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__(config)
        self.config = config
        self.step = 0
        """Number of the step, from which follows what is due."""
        base, doublings = base_of(config.volume_shape), doublings_of(config.volume_shape)
        self.generator = StyleGenerator(
            Mapping(config.latent_dim, layers=config.mapping_layers, rate=config.mapping_rate),
            Synthesis(
                base_shape=base,
                doublings=doublings,
                width=config.width,
                style_dim=config.latent_dim,
                filter_taps=config.filter_taps,
            ),
        )
        self.discriminator = StyleDiscriminator(
            base_shape=base,
            doublings=doublings,
            width=config.width,
            filter_taps=config.filter_taps,
            deviation=config.deviation_group > 0,
        )
        self.register_buffer("path_mean", torch.zeros(()))

    def phases(self) -> Sequence[Phase[Reals]]:
        """The discriminator, then the generator."""
        return [
            Phase(
                name="discriminator",
                trains=self.discriminator,
                loss=self.discriminator_loss,
                adam=self.config.adam_discriminator,
            ),
            Phase(
                name="generator",
                trains=self.generator,
                loss=self.generator_loss,
                adam=self.config.adam_generator,
            ),
        ]

    def chance_terms(self) -> dict[str, float]:
        """Logarithms of 2."""
        return {"discriminator/real": math.log(2.0), "discriminator/fake": math.log(2.0)}

    def begin_step(self, step: int, progress: float | None = None) -> None:
        """Note the step, from which follows whether R1 and path lengths are due."""
        self.step = step

    # What it makes.

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z], with the same noise for all.

        Latents may have one entry more, the weight of their own style against the mean style, as
        `truncated` gives them.
        """
        own = latents.shape[1] == self.latent_dim
        truncation = None if own else latents[:, self.latent_dim :]
        volumes: Volumes = self.generator(latents[:, : self.latent_dim], truncation)
        return volumes.clamp(-1.0, 1.0)

    def truncated(self, latents: Latents, truncation: float) -> Rows:
        """Latents as rows [b, z + 1] whose styles are drawn towards the mean style.

        Shrinking z itself would do nothing, since only its direction counts.
        """
        return torch.cat([latents, latents.new_full((len(latents), 1), truncation)], dim=1)

    def make(self, draws: Draws) -> LowVolumes:
        """Volumes as the discriminator sees them, without bounds, mixed and noisy."""
        return self._made(self.styles(draws), draws.seeds)

    def styles(self, draws: Draws) -> Float[Tensor, "b l z"]:
        """A style for each layer: of one latent up to the cut, from there on of the other."""
        own, other = self.generator.mapping(torch.cat([draws.latents, draws.others])).chunk(2)
        layers = torch.arange(self.generator.synthesis.num_styles, device=own.device)
        is_own = layers[None] < draws.cuts.to(own.device)
        return torch.where(is_own[:, :, None], own[:, None], other[:, None])

    def _made(self, styles: Tensor, seeds: Rows) -> LowVolumes:
        synthesis = self.generator.synthesis
        made: LowVolumes = synthesis(styles, seeded_noises(synthesis.grids, seeds, styles))
        return made

    def draw(self, count: int) -> Draws:
        """What is random in so many fakes."""
        return Draws(
            latents=self.draw_latents(count),
            others=self.draw_latents(count),
            cuts=self.draw_rows(self._new_cuts, count),
            seeds=self.draw_rows(new_seeds, count),
        )

    def _new_cuts(self, rows: int) -> Rows:
        """Layers at which the style changes, all equally likely; the number of layers for never."""
        num_styles = self.generator.synthesis.num_styles
        cuts = torch.randint(1, num_styles, (rows, 1)).double()
        mixes = torch.rand(rows, 1) < self.config.mixing_probability
        return torch.where(mixes, cuts, float(num_styles))

    # Losses.

    def discriminator_loss(self, batch: Reals) -> Terms:
        """Logistic loss of reals and fakes; where it is due, R1 on the reals."""
        config = self.config
        with torch.no_grad():
            fake = self.make(self.draw(len(batch.volumes)))
        terms = {"fake": bce(self.logits(self.discriminator.features(fake)), real=False)}
        if self.step % config.r1_every or not config.r1_gamma:
            features = self.discriminator.features(batch.volumes)
            return {"real": bce(self.logits(features), real=True), **terms}
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.volumes.device.type, enabled=False):
            real = batch.volumes.detach().to(self.path_mean.dtype).requires_grad_()
            features = self.discriminator.features(real)
            slope = gradient_square(self.own_logits(features), real)
            return {
                "real": bce(self.logits(features), real=True),
                **terms,
                "slope": 0.5 * config.r1_gamma * config.r1_every * slope,
            }

    def generator_loss(self, batch: Reals) -> Terms:
        """Logistic loss of fakes that should pass for real; where it is due, the path length."""
        config = self.config
        draws = self.draw(len(batch.volumes))
        if self.training:
            with torch.no_grad():
                self.generator.mapping.follow(
                    self.generator.mapping(draws.latents), config.style_decay
                )
        fake = self.make(draws)
        terms = {"fake": bce(self.logits(self.discriminator.features(fake)), real=True)}
        if self.step % config.path_every == 0 and config.path_weight:
            penalty = self.path_penalty(len(batch.volumes))
            terms["path"] = config.path_weight * config.path_every * penalty
        return terms

    def path_penalty(self, count: int) -> Scalar:
        """Mean squared distance of path lengths from their running mean, which it moves on.

        Over every other volume of the step's batch, half of them but at least one.
        """
        draws, seeds = self.draw(count), self.draw_rows(new_seeds, count)
        first, total = self._place(count)
        half = max(total // 2, 1)
        rows = [row for row in range(count) if row + first in range(0, 2 * half, 2)]
        with torch.autocast(draws.latents.device.type, enabled=False):
            lengths = draws.latents.new_zeros(count)
            if rows:
                draws = draws.of(rows)
                styles = self.styles(draws)
                made = self._made(styles, draws.seeds)
                (noise,) = seeded_noises([self.volume_shape], seeds[rows], styles)
                index = torch.tensor(rows, device=lengths.device)
                lengths = lengths.index_copy(0, index, path_lengths(made, styles, noise))
            # The running mean is that of the whole batch.
            chosen = self.whole_batch(lengths[:, None])[: 2 * half : 2, 0]
            mean = self.path_mean.lerp(chosen.detach().mean(), self.config.path_decay)
            if self.training:
                self.path_mean.copy_(mean)
            penalty: Scalar = (chosen - mean).square().mean()
            return penalty

    # What the discriminator says.

    def logits(self, features: FeatureMaps) -> Tensor:
        """Logits that losses take the mean of.

        Without the deviation of groups they are those of the volumes. With it each depends on its
        whole group, and they are those of the whole batch.
        """
        if not self.config.deviation_group:
            return self.discriminator.logits(features)
        features = self._of_whole_batch(features)
        numbers = deviations(features, self.config.deviation_group)
        return self.discriminator.logits(features, numbers)

    def own_logits(self, features: FeatureMaps) -> Logits:
        """Logits of the volumes, each a function of its own volume alone.

        R1 asks how steeply a logit rises with its volume. The others of its group count as
        constants, so that it is the slope of one logit, and the same however a batch is cut.
        """
        if not self.config.deviation_group:
            return self.discriminator.logits(features)
        batch = self._of_whole_batch(features.detach())
        first = 0 if len(batch) == len(features) else self._place(len(features))[0]
        numbers = own_deviations(features, batch, first, self.config.deviation_group)
        return self.discriminator.logits(features, numbers)

    def _of_whole_batch(self, features: FeatureMaps) -> Tensor:
        """Features [n, c, d, h, w] of all volumes of the step."""
        return self.whole_batch(features.flatten(1)).view(-1, *features.shape[1:])

    def _place(self, count: int) -> tuple[int, int]:
        """Place of the first of these volumes in the step's batch, and how many that has."""
        totals: list[int] = []

        def number(rows: int) -> Rows:
            totals.append(rows)
            return torch.arange(rows)[:, None].double()

        # Drawn like random numbers, a volume's number is its place in the whole batch.
        places = self.draw_rows(number, count)
        return int(places[0, 0].long()), totals[0]


def new_seeds(rows: int) -> Rows:
    """A whole number [b, 1] for each volume."""
    return torch.randint(LARGEST_SEED, (rows, 1)).double()

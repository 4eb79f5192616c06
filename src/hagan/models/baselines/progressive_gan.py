"""Progressive GAN (Karras et al. 2018) for volumes: both networks grow while they train.

What level is trained follows from the step alone, so that nothing of the schedule is stored. The
optimisers live on over all levels: weights that a level has not reached get no gradient, so Adam
leaves them and their moments alone, and the weights of a new level begin with fresh moments as they
are. Those of lower levels keep theirs, where Karras' code begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.grid import base_of
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.whole_volume import WholeVolumeGAN
from hagan.models.gan import Phase, Terms
from hagan.models.losses import gradient_penalty, wasserstein
from hagan.networks.minibatch_deviation import deviations, own_deviations
from hagan.networks.progressive import (
    GrowingCritic,
    GrowingGenerator,
    doubled,
    halved,
    level_widths,
    mixed,
    shrunk,
)
from hagan.types import FeatureMaps, Labels, Latents, Logits, LowVolumes, Scalar, Volumes


class ProgressiveGAN(WholeVolumeGAN):
    """A generator and a critic that begin with a few voxels and double them again and again."""

    def __init__(self, config: ProgressiveGANConfig) -> None:
        super().__init__(config)
        self.config = config
        self.stage = config.stage_at(0)
        """Level and fade of the step."""
        base, levels = base_of(config.volume_shape), config.last_level + 1
        budget, most = config.channels_times_side, config.width
        stem = 4 if config.layout == "karras" else 2
        self.generator = GrowingGenerator(
            latent_dim=config.latent_dim,
            base_shape=base,
            stem=max(min(budget // stem, most), 1),
            widths=level_widths(levels, most, budget),
            layout=config.layout,
            equalised=config.equalised,
        )
        most *= config.critic_widening
        self.critic = GrowingCritic(
            base_shape=base,
            stem=max(min(budget // stem, most), 1),
            widths=level_widths(levels, most, budget),
            layout=config.layout,
            equalised=config.equalised,
            deviation=config.deviation_group > 0,
        )

    def phases(self) -> Sequence[Phase[Reals]]:
        """The critic, then the generator."""
        config = self.config
        return [
            Phase(
                name="critic",
                trains=self.critic,
                loss=self.critic_loss,
                adam=config.adam_critic,
            ),
            Phase(
                name="generator",
                trains=self.generator,
                loss=self.generator_loss,
                adam=config.adam_generator,
            ),
        ]

    # The schedule.

    def begin_step(self, step: int, progress: float | None = None) -> None:
        """Set the level and its fade."""
        self.stage = self.config.stage_at(step)

    def costliest_step(self) -> int:
        """The first step at the volume's own level, which fades in if any does."""
        return self.config.starts_at(self.config.last_level)

    def prepare(self, real: Volumes, labels: Labels | None) -> Reals:
        """Volumes on the level's grid, by the mean of the voxels that fall together.

        While the level fades in they are mixed with themselves on the grid before, as fakes are.
        """
        stage = self.stage
        volumes = shrunk(real, self.config.last_level - stage.level)
        if stage.fade != 1.0:
            volumes = mixed(doubled(halved(volumes)), volumes, stage.fade)
        return Reals(volumes)

    # What it makes.

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z].

        At levels below the volume's own, voxels are repeated up to its shape.
        """
        made = self.make(latents).clamp(-1.0, 1.0)
        if made.shape[2:] == self.volume_shape:
            return made
        return functional.interpolate(made, size=self.volume_shape, mode="nearest")

    def make(self, latents: Latents) -> LowVolumes:
        """Volumes on the level's grid, as the critic sees them: bounded by tanh or not at all."""
        made: LowVolumes = self.generator(latents, self.stage.level, self.stage.fade)
        return torch.tanh(made) if self.config.output == "tanh" else made

    # Losses.

    def critic_loss(self, batch: Reals) -> Terms:
        """Scores of fakes against those of reals, the slope's penalty, and the scores' drift."""
        config, count = self.config, len(batch.volumes)
        with torch.no_grad():
            fake = self.make(self.draw_latents(count))
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.volumes.device.type, enabled=False):
            exact = next(self.critic.parameters()).dtype
            real, fake = batch.volumes.to(exact), fake.to(exact)
            mix = self.draw_mix(real)
            penalty = gradient_penalty(self.own_scores, real, fake, mix)
            of_real = self.scores(real)
            return {
                "distance": wasserstein(of_real, self.scores(fake)),
                "penalty": config.penalty_weight * penalty,
                "drift": config.drift_weight * _mean_square(of_real),
            }

    def generator_loss(self, batch: Reals) -> Terms:
        """Scores of fakes, which G raises."""
        fake = self.make(self.draw_latents(len(batch.volumes)))
        return {"fake": -self.scores(fake).mean()}

    def scores(self, volumes: Tensor) -> Tensor:
        """Scores that losses take the mean of.

        Without the deviation of groups they are those of the volumes. With it each depends on its
        whole group, and they are those of the whole batch.
        """
        features = self._features(volumes)
        if not self.config.deviation_group:
            return self.critic.scores(features)
        features = self._of_whole_batch(features)
        numbers = deviations(features, self.config.deviation_group)
        return self.critic.scores(features, numbers)

    def own_scores(self, volumes: Tensor) -> Logits:
        """Scores of the volumes, each a function of its own volume alone.

        The penalty asks how steeply a score rises with its volume. The others of its group count
        as constants, so that it is the slope of one score, and the same however a batch is cut;
        Karras' code adds the slopes of the group's other scores.
        """
        features = self._features(volumes)
        if not self.config.deviation_group:
            return self.critic.scores(features)
        batch = self._of_whole_batch(features.detach())
        # Drawn like random numbers, a volume's number is its place in the whole batch.
        places = self.draw_rows(lambda rows: torch.arange(rows)[:, None].float(), len(volumes))
        first = 0 if len(batch) == len(features) else int(places[0])
        numbers = own_deviations(features, batch, first, self.config.deviation_group)
        return self.critic.scores(features, numbers)

    def _features(self, volumes: Tensor) -> FeatureMaps:
        return self.critic.features(volumes, self.stage.level, self.stage.fade)

    def _of_whole_batch(self, features: FeatureMaps) -> Tensor:
        """Features [n, c, d, h, w] of all volumes of the step."""
        return self.whole_batch(features.flatten(1)).view(-1, *features.shape[1:])


def _mean_square(scores: Tensor) -> Scalar:
    mean: Scalar = scores.square().mean()
    return mean

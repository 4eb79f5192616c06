"""HA-GAN (Sun et al. 2022): the paper's players, equation by equation.

Where the paper, the released code and this project's measurements differ, `HAGANConfig` names the
choice and `hagan.config.recipes` makes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hagan.config.ha_gan import HAGANConfig
from hagan.models.adversarial import (
    class_terms,
    cross_entropy,
    fooling,
    paired_terms,
    relativistic_sum,
)
from hagan.models.branches import Pair, RealBatch
from hagan.models.gan import Phase, Terms
from hagan.models.hierarchy import HierarchicalGAN
from hagan.models.losses import lecam, prior_moments, quotient, rebuilt_l1, rebuilt_sums
from hagan.models.schedule import half_cosine
from hagan.networks.augment import new_draws
from hagan.networks.ha_gan.discriminator import Verdict
from hagan.types import FeatureMaps, Scalar, Volumes

LECAM_DECAY = 0.99
"""Of the running means of D's logits, a step."""


class HAGAN(HierarchicalGAN):
    """HA-GAN in any of its recipes, ablations and sizes, unconditional or class-conditional."""

    logit_means: Tensor

    def __init__(self, config: HAGANConfig) -> None:
        super().__init__(config)
        if config.lecam_weight > 0:
            self.register_buffer("logit_means", torch.zeros(2, len(config.branch_voxels)))

    def phases(self) -> Sequence[Phase[RealBatch]]:
        """Discriminator and generator (Eqs. 4, 5, 9), E^H (Eq. 6), E^G (Eq. 7).

        Where reconstruction reaches G, the generator's turn minimises Eq. (7) too and moves E^G
        with G, so E^G has no turn of its own.
        """
        config = self.config
        joint = config.reconstruction_weight_generator > 0
        players: dict[str, nn.Module] = {"generator": self.generator}
        if joint and self.encoder is not None:
            players["ground"] = self.encoder.ground
        if self.middle is not None:
            players["middle"] = self.middle
        generator = self.generator if len(players) == 1 else nn.ModuleDict(players)
        phases = [
            Phase(
                name="discriminator",
                trains=self.discriminator,
                loss=self.discriminator_loss,
                adam=config.adam_discriminator,
                rests=self.is_warming_up,
            ),
            Phase(
                name="generator",
                trains=generator,
                loss=self._generator_turn,
                adam=config.adam_generator,
            ),
        ]
        if self.encoder is not None:
            phases.append(
                Phase(
                    name="high_encoder",
                    trains=self.encoder.high,
                    loss=self.high_encoder_loss,
                    adam=config.adam_encoder,
                    every=config.encoder_every,
                )
            )
        if self.encoder is not None and not joint:
            phases.append(
                Phase(
                    name="ground_encoder",
                    trains=self.encoder.ground,
                    loss=self.ground_encoder_loss,
                    adam=config.adam_encoder,
                    every=config.encoder_every,
                )
            )
        return phases

    def chance_terms(self) -> Mapping[str, float]:
        """Logarithms of 2 for each branch; a hinge is at 1."""
        form = self.config.adversarial
        branches = 1 if form == "mean-logit" else len(self.config.branch_voxels)
        level = branches * (1.0 if form == "hinge" else math.log(2.0))
        names = ("pair",) if form == "relativistic" else ("real", "fake")
        return {f"discriminator/{name}": level for name in names}

    def is_warming_up(self) -> bool:
        """Whether G rebuilds and D rests."""
        warm = self.config.warm_start
        return warm is not None and self.progress < warm.share

    @property
    def _generator_turn(self) -> Callable[[RealBatch], Terms]:
        if self.config.warm_start is not None:
            return self.warm_generator_loss
        joint = self.config.reconstruction_weight_generator > 0
        return self.joint_generator_loss if joint else self.generator_loss

    def one_norm(self) -> AbstractContextManager[None]:
        """One power iteration of the spectral norm for the length of a block, or one a pass."""
        if self.config.spectral_norm and self.config.spectral_iterations == "turn":
            # A cache that is entered twice is emptied at the inner end only.
            cached: AbstractContextManager[None] = parametrize.cached()
            return cached
        return nullcontext()

    def discriminator_loss(self, batch: RealBatch) -> Terms:
        """Eqs. (4), (5) and (9) for D^H and D^L."""
        if self.config.adversarial == "relativistic":
            return self._relativistic_discriminator_loss(batch)
        with torch.no_grad():
            pair = self.drawn_pair(batch)
        with self.one_norm():
            real, fake = (self._judged(seen, batch) for seen in (batch.beside(pair), pair))
        if self.config.augment is not None and self.config.augment.adapt_to is not None:
            self._adapt(real, len(batch.volumes))
        terms = {
            "real": cross_entropy(self.config, real, real=True),
            "fake": cross_entropy(self.config, fake, real=False),
        }
        if self.config.lecam_weight > 0:
            terms["lecam"] = self._lecam(real, fake)
        return terms | class_terms(self.config, real, fake, batch.labels)

    def _adapt(self, real: Sequence[Verdict], count: int) -> None:
        """Let D's verdicts on real volumes move the probability of changes."""
        assert self.augment is not None
        if self.augment.begins(self.progress):
            # Where full volumes are judged, D^H has a verdict for each of their slabs.
            logits = [v.logit.detach().view(count, -1) for v in real]
            signs = torch.stack([logit.sign().mean(dim=1) for logit in logits])
            self.augment.adapt(self.whole_batch(signs.mean(dim=0)))

    def _lecam(self, real: Sequence[Verdict], fake: Sequence[Verdict]) -> Scalar:
        """LeCam's term, once the run is far enough, and the running means that it needs."""
        real_logits, fake_logits = (
            torch.stack([verdict.logit for verdict in side]) for side in (real, fake)
        )
        real_means, fake_means = self.logit_means.unbind()
        far = self.progress >= self.config.lecam_begin
        term = torch.stack(
            [
                lecam(real_logits[branch], fake_means[branch], real=True)
                + lecam(fake_logits[branch], real_means[branch], real=False)
                for branch in range(len(real))
            ]
        ).sum()
        with torch.no_grad():
            means = torch.stack((real_logits.mean(dim=1), fake_logits.mean(dim=1)))
            self.logit_means.lerp_(means.to(self.logit_means), 1.0 - LECAM_DECAY)
        return self.config.lecam_weight * far * term

    def _relativistic_discriminator_loss(self, batch: RealBatch) -> Terms:
        """Paired relativistic loss with R1 and R2, each branch weighted by the voxels it sees."""
        with torch.no_grad():
            pair = self.drawn_pair(batch)
        exact = next(self.discriminator.parameters()).dtype
        sides = [
            side.mapped(lambda seen: seen.to(exact).detach().requires_grad_())
            for side in (batch.beside(pair), pair)
        ]
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.slab.device.type, enabled=False), self.one_norm():
            real, fake = (self._judged(side, batch) for side in sides)
            real_inputs, fake_inputs = (side.inputs for side in sides)
            gamma = self.config.gamma_per_voxel * half_cosine(self.progress, self.config.gamma_end)
            terms = paired_terms(self.config, real, fake, real_inputs, fake_inputs, gamma)
            return terms | class_terms(self.config, real, fake, batch.labels)

    def _judged(self, seen: Pair, batch: RealBatch) -> list[Verdict]:
        """Verdicts on real or fake ones of the batch's place, changed where it is time for that."""
        if self.augment is not None and self.augment.begins(self.progress):
            draws = self.draw_rows(new_draws, len(batch.volumes))
            seen = seen.mapped(partial(self.augment, draws=draws, progress=self.progress))
        return self.judge(
            seen.slab,
            seen.low,
            batch.start,
            batch.labels,
            whole=batch.whole,
            middle=seen.middle,
        )

    def generator_loss(self, batch: RealBatch) -> Terms:
        """Eqs. (4), (5) and (9) for G, in the non-saturating form."""
        pair = self.drawn_pair(batch)
        with self.one_norm():
            fake = self._judged(pair, batch)
            terms: dict[str, Scalar] = {}
            if self.config.adversarial == "relativistic":
                with torch.no_grad():
                    real = self._judged(batch.beside(pair), batch)
                terms["fake"] = relativistic_sum(fake, real)
            else:
                terms["fake"] = fooling(self.config, fake)
        return terms | class_terms(self.config, None, fake, batch.labels)

    def warm_generator_loss(self, batch: RealBatch) -> Terms:
        """Reconstruction from fixed codes alone, then the game with less and less of it."""
        warm = self.config.warm_start
        assert warm is not None, "the trainer takes this turn with a warm start"
        terms = {} if self.is_warming_up() else dict(self.generator_loss(batch))
        weight = warm.weight_at(self.progress)
        if weight > 0:
            codes = self.fixed_latents(batch.low)
            pair = self.pair_of(codes, batch.labels, batch.start, whole=batch.whole)
            terms |= self._l1_terms(pair, batch, weight)
        return terms

    def joint_generator_loss(self, batch: RealBatch) -> Terms:
        """The generator's loss with Eq. (7) reaching G and E^G at once."""
        with torch.no_grad():
            features = self.encode_features(batch.volumes)
        rebuilt = self._rebuilt_terms(
            features, batch, weight=self.config.reconstruction_weight_generator
        )
        return {**self.generator_loss(batch), **rebuilt}

    def high_encoder_loss(self, batch: RealBatch) -> Terms:
        """Eq. (6): rebuild the slab from its own features, without noise as they have no code."""
        assert self.encoder is not None
        base = self.generator.base_of(batch.low)
        if not self.exact_encoder:
            features = self.encoder.high(batch.slab)
            rebuilt = self.generator.high(features, start=batch.start, base=base)
        elif batch.whole:
            rebuilt = self.slab_of(self.encoder.high(batch.volumes), 0, whole=True, base=base)
        else:
            features = self.encoder.high.slab_features(batch.volumes, self.selector, batch.start)
            rebuilt = self.generator.high.slab(features, self.selector, batch.start, base=base)
        return {"slab": self.config.slab_weight * self._l1(rebuilt, batch.slab, batch)}

    def ground_encoder_loss(self, batch: RealBatch) -> Terms:
        """Eq. (7): rebuild each resolution from the encoded latents."""
        with torch.no_grad():
            features = self.encode_features(batch.volumes)
        return self._rebuilt_terms(features, batch)

    def _rebuilt_terms(
        self, features: FeatureMaps, batch: RealBatch, weight: float = 1.0
    ) -> dict[str, Scalar]:
        assert self.encoder is not None
        config = self.config
        codes = self.encoder.ground(features)
        rebuilt = self.pair_of(codes, batch.labels, batch.start, whole=batch.whole)
        weight *= config.image_weight
        if config.image_reduction == "mean":
            weight /= len(rebuilt.inputs)
        terms = self._l1_terms(rebuilt, batch, weight)
        if config.prior_weight > 0:
            terms["prior"] = config.prior_weight * prior_moments(self.whole_batch(codes))
        if config.warm_start is not None and config.warm_start.code_weight > 0:
            assert self.codes is not None, "fixed codes come with a warm start"
            beside = self.codes.score_error(codes, batch.low.flatten(1))
            terms["codes"] = config.warm_start.code_weight * beside
        return terms

    def _l1_terms(self, rebuilt: Pair, batch: RealBatch, weight: float) -> dict[str, Scalar]:
        """Each resolution against the real one."""
        terms = {"rebuilt_slab": weight * self._l1(rebuilt.slab, batch.slab, batch)}
        if rebuilt.low is not None:
            terms["rebuilt_low"] = weight * self._l1(rebuilt.low, batch.low, batch)
        if rebuilt.middle is not None and batch.middle is not None:
            terms["rebuilt_middle"] = weight * self._l1(rebuilt.middle, batch.middle, batch)
        return terms

    def _l1(self, rebuilt: Volumes, real: Volumes, batch: RealBatch) -> Scalar:
        weight, threshold = self.config.body_weight, self.config.body_threshold
        if weight == 1.0:
            return rebuilt_l1(rebuilt, real)
        sums = rebuilt_sums(rebuilt, real, body_weight=weight, body_threshold=threshold)
        of_volumes = sums.view(len(batch.volumes), -1, 2).sum(dim=1)
        return quotient(self.whole_batch(of_volumes))

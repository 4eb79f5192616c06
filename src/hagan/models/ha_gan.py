"""HA-GAN (Sun et al. 2022): the paper's players, equation by equation.

Where the paper, the released code and this project's measurements differ, `HAGANConfig` names the
choice and `hagan.config.recipes` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn.utils import parametrize

from hagan.models.adversarial import class_terms, cross_entropy, paired_terms, relativistic_sum
from hagan.models.gan import Phase, Terms
from hagan.models.hierarchy import HierarchicalGAN, RealBatch
from hagan.models.losses import prior_moments, quotient, rebuilt_l1, rebuilt_sums
from hagan.types import FeatureMaps, Scalar, Volumes


class HAGAN(HierarchicalGAN):
    """HA-GAN in any of its recipes, ablations and sizes, unconditional or class-conditional."""

    def phases(self) -> Sequence[Phase[RealBatch]]:
        """Discriminator and generator (Eqs. 4, 5, 9), E^H (Eq. 6), E^G (Eq. 7).

        Where reconstruction reaches G, the generator's turn minimises Eq. (7) too and moves E^G
        with G, so E^G has no turn of its own.
        """
        config = self.config
        joint = config.reconstruction_weight_generator > 0
        generator: nn.Module = self.generator
        if joint and self.encoder is not None:
            generator = nn.ModuleDict({"generator": self.generator, "ground": self.encoder.ground})
        phases = [
            Phase(
                name="discriminator",
                trains=self.discriminator,
                loss=self.discriminator_loss,
                adam=config.adam_discriminator,
            ),
            Phase(
                name="generator",
                trains=generator,
                loss=self.joint_generator_loss if joint else self.generator_loss,
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
            real = self.judge(batch.slab, batch.low, batch.start, whole=batch.whole)
            fake = self.judge(pair.slab, pair.low, batch.start, whole=batch.whole)
        terms = {
            "real": cross_entropy(self.config, real, real=True),
            "fake": cross_entropy(self.config, fake, real=False),
        }
        return terms | class_terms(self.config, real, fake, batch.labels)

    def _relativistic_discriminator_loss(self, batch: RealBatch) -> Terms:
        """Paired relativistic loss with R1 and R2, each branch weighted by the voxels it sees."""
        with torch.no_grad():
            pair = self.drawn_pair(batch)
        exact = next(self.discriminator.parameters()).dtype
        real_inputs = [batch.slab.to(exact).detach().requires_grad_()]
        fake_inputs = [pair.slab.to(exact).requires_grad_()]
        if pair.low is not None:
            real_inputs.append(batch.low.to(exact).detach().requires_grad_())
            fake_inputs.append(pair.low.to(exact).requires_grad_())
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.slab.device.type, enabled=False), self.one_norm():
            real, fake = (
                self.judge(inputs[0], inputs[-1], batch.start, whole=batch.whole)
                for inputs in (real_inputs, fake_inputs)
            )
            terms = paired_terms(self.config, real, fake, real_inputs, fake_inputs)
            return terms | class_terms(self.config, real, fake, batch.labels)

    def generator_loss(self, batch: RealBatch) -> Terms:
        """Eqs. (4), (5) and (9) for G, in the non-saturating form."""
        pair = self.drawn_pair(batch)
        with self.one_norm():
            fake = self.judge(pair.slab, pair.low, batch.start, whole=batch.whole)
            terms: dict[str, Scalar] = {}
            if self.config.adversarial == "relativistic":
                with torch.no_grad():
                    real = self.judge(batch.slab, batch.low, batch.start, whole=batch.whole)
                terms["fake"] = relativistic_sum(fake, real)
            else:
                terms["fake"] = cross_entropy(self.config, fake, real=True)
        return terms | class_terms(self.config, None, fake, batch.labels)

    def joint_generator_loss(self, batch: RealBatch) -> Terms:
        """The generator's loss with Eq. (7) reaching G and E^G at once."""
        with torch.no_grad():
            features = self.encode_features(batch.volumes)
        rebuilt = self._rebuilt_terms(
            features, batch, weight=self.config.reconstruction_weight_generator
        )
        return {**self.generator_loss(batch), **rebuilt}

    def high_encoder_loss(self, batch: RealBatch) -> Terms:
        """Eq. (6): rebuild the slab from its own features."""
        assert self.encoder is not None
        if not self.exact_encoder:
            rebuilt = self.generator.high(self.encoder.high(batch.slab))
        elif batch.whole:
            rebuilt = self.slab_of(self.encoder.high(batch.volumes), 0, whole=True)
        else:
            features = self.encoder.high.slab_features(batch.volumes, self.selector, batch.start)
            rebuilt = self.generator.high.slab(features, self.selector, batch.start)
        return {"slab": self.config.slab_weight * self._l1(rebuilt, batch.slab, batch)}

    def ground_encoder_loss(self, batch: RealBatch) -> Terms:
        """Eq. (7): rebuild both resolutions from the encoded latents."""
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
        if config.image_reduction == "mean" and rebuilt.low is not None:
            weight /= 2
        terms = {"rebuilt_slab": weight * self._l1(rebuilt.slab, batch.slab, batch)}
        if rebuilt.low is not None:
            terms["rebuilt_low"] = weight * self._l1(rebuilt.low, batch.low, batch)
        if config.prior_weight > 0:
            terms["prior"] = config.prior_weight * prior_moments(self.whole_batch(codes))
        return terms

    def _l1(self, rebuilt: Volumes, real: Volumes, batch: RealBatch) -> Scalar:
        weight, threshold = self.config.body_weight, self.config.body_threshold
        if weight == 1.0:
            return rebuilt_l1(rebuilt, real)
        sums = rebuilt_sums(rebuilt, real, body_weight=weight, body_threshold=threshold)
        of_volumes = sums.view(len(batch.volumes), -1, 2).sum(dim=1)
        return quotient(self.whole_batch(of_volumes))

"""HA-GAN (Sun et al. 2022): the paper's players, equation by equation.

Where the paper, the released code and this project's measurements differ, `HAGANConfig` names the
choice and `hagan.config.recipes` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.models import HAGANConfig
from hagan.models.gan import GAN, Phase, Terms
from hagan.models.losses import (
    bce,
    class_loss,
    gradient_square,
    prior_moments,
    quotient,
    rebuilt_l1,
    rebuilt_sums,
    relativistic,
)
from hagan.networks.ha_gan.discriminator import Discriminator, Verdict
from hagan.networks.ha_gan.encoder import Encoder
from hagan.networks.ha_gan.generator import Generator
from hagan.networks.ha_gan.selector import REDUCTION, SlabSelector
from hagan.types import FeatureMaps, Labels, Latents, LowVolumes, Scalar, Slabs, Volumes

ENCODED_DEPTH = 32
"""Slices that E^H encodes at once where the partition does not matter."""

HELD_HALFWAY, HELD_SLABS = 4, 3
"""Copies at the peak of G^H: of its activations at half resolution (the convolution's, two of the
normalisation's, one that the next convolution reorders) and of the slab itself."""


@dataclass(frozen=True, eq=False)
class RealBatch:
    """A batch of real volumes as the phases need it."""

    volumes: Volumes
    slab: Slabs
    low: LowVolumes
    start: int
    labels: Labels | None


@dataclass(frozen=True, eq=False)
class Pair:
    """A slab and a low-resolution volume of the same whole; no `low` without that branch."""

    slab: Slabs
    low: LowVolumes | None


class HAGAN(GAN[RealBatch]):
    """HA-GAN in any of its recipes, ablations and sizes, unconditional or class-conditional."""

    generator: Generator

    def __init__(self, config: HAGANConfig) -> None:
        super().__init__()
        self.config = config
        self.volume_shape = config.volume_shape
        self.latent_dim = config.latent_dim
        self.num_classes = config.num_classes
        self.selector = SlabSelector(config.volume_shape[0], config.slab_shape[0])
        self.generator = Generator(
            latent_dim=config.latent_dim,
            num_classes=config.num_classes,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            width=config.width,
            common_norm=config.common_norm,
            high_norm=config.high_norm,
            low_branch=config.low_branch,
        )
        self.discriminator = Discriminator(
            slab_shape=config.slab_shape,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            width=config.width,
            num_classes=config.num_classes,
            spectral=config.spectral_norm,
            low_branch=config.low_branch,
        )
        self.encoder = (
            Encoder(
                base_shape=config.base_shape,
                num_doublings=config.num_doublings,
                width=config.width,
                latent_dim=config.latent_dim,
                common_norm=config.common_norm,
                high_norm=config.high_norm,
            )
            if config.encoder
            else None
        )

    # The interface.

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
                )
            )
        if self.encoder is not None and not joint:
            phases.append(
                Phase(
                    name="ground_encoder",
                    trains=self.encoder.ground,
                    loss=self.ground_encoder_loss,
                    adam=config.adam_encoder,
                )
            )
        return phases

    def prepare(self, real: Volumes, labels: Labels | None) -> RealBatch:
        """Draw r, cut the slab, shrink to low resolution."""
        start = self.selector.draw_start(uniform=self.config.random_start)
        return RealBatch(
            volumes=real,
            slab=self.selector.high(real, start),
            low=self.shrink(real),
            start=start,
            labels=labels if self.num_classes else None,
        )

    def published(self) -> Mapping[str, nn.Module]:
        """Generator and encoder."""
        modules: dict[str, nn.Module] = {"generator": self.generator}
        if self.encoder is not None:
            modules["encoder"] = self.encoder
        return modules

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """X^H = G^H(G^A(Z)), whole (paper III-B, Inference)."""
        volumes: Volumes = self.generator(latents, labels)
        return volumes

    def generate_slabs(
        self, latents: Latents, labels: Labels | None = None, *, depth: int
    ) -> Iterator[Slabs]:
        """G^H over all of A slab by slab, with the halo of decision 0001."""
        with torch.no_grad():
            features = self.generator.common(latents, labels)
        yield from self.generator.high.slabs(features, depth)

    def slab_bytes(self, depth: int) -> int:
        """Activations of G^H for one slab, with its halo."""
        whole, height, width = self.volume_shape
        halfway = min(depth + 4, whole) * height * width // 8 * (self.config.width // 2)
        slab = min(depth + 4, whole) * height * width
        size = next(self.generator.parameters()).element_size()
        return size * (HELD_HALFWAY * halfway + HELD_SLABS * slab)

    def encode(self, volumes: Volumes) -> Latents:
        """Z-hat = E^G(concat of E^H over the partition) (paper III-C, Inference).

        The volumes may be anywhere: a slab at a time goes to the weights.
        """
        assert self.encoder is not None, "this HA-GAN has no encoder"
        depth = self.selector.slab_depth
        if self.exact_encoder:
            # With a halo any slab gives the same, and thin ones would be halo for the most part.
            depth = max(depth, ENCODED_DEPTH)
        features = self.encoder.high.by_slab(volumes, depth, halo=self.exact_encoder)
        codes: Latents = self.encoder.ground(features)
        return codes

    # The hierarchy.

    @property
    def exact_encoder(self) -> bool:
        """Whether E^H gives a slab the features that the whole volume would."""
        return self.config.alignment == "exact" and self.config.high_norm == "rms"

    def shrink(self, volumes: Volumes) -> LowVolumes:
        """X^L: real volumes at low resolution."""
        if self.config.low_real == "nearest":
            return volumes[:, :, ::REDUCTION, ::REDUCTION, ::REDUCTION]
        return functional.avg_pool3d(volumes, REDUCTION)

    def slab_of(self, features: FeatureMaps, start: int) -> Slabs:
        """X^H_r = G^H(S^L(A; r)) (Eq. 3)."""
        if self.config.alignment == "floor":
            slab: Slabs = self.generator.high(self.selector.low(features, start))
            return slab
        span = self.selector.feature_span(start)
        return self.generator.high.slab(
            features[:, :, span.start : span.stop], self.selector, start
        )

    def pair_of(self, latents: Latents, labels: Labels | None, start: int) -> Pair:
        """Slab and low-resolution volume of latents (Eqs. 2 and 3)."""
        features = self.generator.common(latents, labels)
        low = None if self.generator.low is None else self.generator.low(features)
        return Pair(slab=self.slab_of(features, start), low=low)

    def encode_features(self, volumes: Volumes) -> FeatureMaps:
        """A-hat: E^H over the partition, concatenated; in one piece where that is the same."""
        assert self.encoder is not None, "this HA-GAN has no encoder"
        if self.exact_encoder:
            features: FeatureMaps = self.encoder.high(volumes)
            return features
        slabs = [self.selector.high(volumes, start) for start in self.selector.starts]
        return torch.cat([self.encoder.high(slab) for slab in slabs], dim=2)

    # The losses.

    def judge(self, slab: Slabs, low: LowVolumes | None, start: int) -> list[Verdict]:
        """Verdicts of D^H and, with the low branch, of D^L."""
        verdicts = [self.discriminator.high(slab, self.selector.position(start))]
        if self.discriminator.low is not None:
            verdicts.append(self.discriminator.low(low))
        return verdicts

    def discriminator_loss(self, batch: RealBatch) -> Terms:
        """Eqs. (4), (5) and (9) for D^H and D^L."""
        if self.config.adversarial == "relativistic":
            return self._relativistic_discriminator_loss(batch)
        real = self.judge(batch.slab, batch.low, batch.start)
        with torch.no_grad():
            pair = self.pair_of(self.draw_latents(len(batch.volumes)), batch.labels, batch.start)
        fake = self.judge(pair.slab, pair.low, batch.start)
        terms = {
            "real": self._bce(real, real=True),
            "fake": self._bce(fake, real=False),
        }
        return terms | self._class_terms(batch, real, fake)

    def _relativistic_discriminator_loss(self, batch: RealBatch) -> Terms:
        """Paired relativistic loss with R1 and R2, each branch weighted by the voxels it sees."""
        with torch.no_grad():
            pair = self.pair_of(self.draw_latents(len(batch.volumes)), batch.labels, batch.start)
        exact = next(self.discriminator.parameters()).dtype
        real_inputs = [batch.slab.to(exact).detach().requires_grad_()]
        fake_inputs = [pair.slab.to(exact).requires_grad_()]
        if pair.low is not None:
            real_inputs.append(batch.low.to(exact).detach().requires_grad_())
            fake_inputs.append(pair.low.to(exact).requires_grad_())
        # Squared gradients need more digits than bf16 has.
        with torch.autocast(batch.slab.device.type, enabled=False):
            return self._penalised_terms(batch, real_inputs, fake_inputs)

    def _penalised_terms(
        self, batch: RealBatch, real_inputs: list[Tensor], fake_inputs: list[Tensor]
    ) -> Terms:
        config = self.config
        real = self.judge(real_inputs[0], real_inputs[-1], batch.start)
        fake = self.judge(fake_inputs[0], fake_inputs[-1], batch.start)
        zero = batch.slab.new_zeros(())
        pairing, r1, r2 = zero, zero, zero
        voxels = (config.slab_voxels, config.low_voxels)
        for branch, (of_real, of_fake) in enumerate(zip(real, fake, strict=True)):
            half_gamma = 0.5 * config.gamma_per_voxel * voxels[branch]
            pairing = pairing + relativistic(of_real.logit, of_fake.logit)
            r1 = r1 + half_gamma * gradient_square(of_real.logit, real_inputs[branch])
            r2 = r2 + half_gamma * gradient_square(of_fake.logit, fake_inputs[branch])
        terms = {"pair": pairing, "r1": r1, "r2": r2}
        return terms | self._class_terms(batch, real, fake)

    def _class_terms(
        self, batch: RealBatch, real: Sequence[Verdict], fake: Sequence[Verdict]
    ) -> dict[str, Scalar]:
        """Eq. (9) for D: classes of reals and, in the paper's form, of fakes."""
        if batch.labels is None:
            return {}
        weight = self.config.class_weight_discriminator
        terms = {"class_real": weight * self._class(real, batch.labels)}
        if self.config.class_loss_on_fake:
            terms["class_fake"] = weight * self._class(fake, batch.labels)
        return terms

    def generator_loss(self, batch: RealBatch) -> Terms:
        """Eqs. (4), (5) and (9) for G, in the non-saturating form."""
        pair = self.pair_of(self.draw_latents(len(batch.volumes)), batch.labels, batch.start)
        fake = self.judge(pair.slab, pair.low, batch.start)
        terms: dict[str, Scalar] = {}
        if self.config.adversarial == "relativistic":
            with torch.no_grad():
                real = self.judge(batch.slab, batch.low, batch.start)
            branches = zip(real, fake, strict=True)
            terms["fake"] = torch.stack(
                [relativistic(of_fake.logit, of_real.logit) for of_real, of_fake in branches]
            ).sum()
        else:
            terms["fake"] = self._bce(fake, real=True)
        if batch.labels is not None:
            weight = self.config.class_weight_generator
            terms["class"] = weight * self._class(fake, batch.labels)
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
        """Eq. (6): rebuild the slab from its own features."""
        assert self.encoder is not None
        if self.exact_encoder:
            features = self.encoder.high.slab_features(batch.volumes, self.selector, batch.start)
            rebuilt = self.generator.high.slab(features, self.selector, batch.start)
        else:
            rebuilt = self.generator.high(self.encoder.high(batch.slab))
        return {"slab": self.config.slab_weight * self._l1(rebuilt, batch.slab)}

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
        rebuilt = self.pair_of(codes, batch.labels, batch.start)
        weight *= config.image_weight
        if config.image_reduction == "mean" and rebuilt.low is not None:
            weight /= 2
        terms = {"rebuilt_slab": weight * self._l1(rebuilt.slab, batch.slab)}
        if rebuilt.low is not None:
            terms["rebuilt_low"] = weight * self._l1(rebuilt.low, batch.low)
        if config.prior_weight > 0:
            terms["prior"] = config.prior_weight * prior_moments(self.whole_batch(codes))
        return terms

    def _l1(self, rebuilt: Volumes, real: Volumes) -> Scalar:
        weight, threshold = self.config.body_weight, self.config.body_threshold
        if weight == 1.0:
            return rebuilt_l1(rebuilt, real)
        sums = rebuilt_sums(rebuilt, real, body_weight=weight, body_threshold=threshold)
        return quotient(self.whole_batch(sums))

    def _bce(self, verdicts: Sequence[Verdict], *, real: bool) -> Scalar:
        logits = [verdict.logit for verdict in verdicts]
        if self.config.adversarial == "mean-logit":
            return bce(torch.stack(logits).mean(dim=0), real=real)
        return torch.stack([bce(logit, real=real) for logit in logits]).sum()

    def _class(self, verdicts: Sequence[Verdict], labels: Labels) -> Scalar:
        """Class loss of each branch, or of the branches' mean logits as in the released code."""
        logits: list[Tensor] = [v.class_logits for v in verdicts if v.class_logits is not None]
        if self.config.adversarial == "mean-logit":
            return class_loss(torch.stack(logits).mean(dim=0), labels)
        return torch.stack([class_loss(logit, labels) for logit in logits]).sum()

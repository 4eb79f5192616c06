"""HA-GAN's hierarchy: whole volumes, slabs and low-resolution volumes of one generator.

What the networks make and read, at every size; `hagan.models.ha_gan` says how they are trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.ha_gan import HAGANConfig
from hagan.models.gan import GAN
from hagan.networks.ha_gan.discriminator import Discriminator, Verdict
from hagan.networks.ha_gan.encoder import Encoder
from hagan.networks.ha_gan.generator import Generator
from hagan.networks.ha_gan.selector import SlabSelector
from hagan.types import FeatureMaps, Labels, Latents, LowVolumes, Slabs, SlabsOfEach, Volumes

ENCODED_DEPTH = 32
"""Slices that E^H encodes at once where the partition does not matter."""

ENCODED_VOXELS = 2**22
"""Voxels of a batch that E^H encodes at once in training, but for two thin slabs at least: the
activations of more would be the most that a step holds."""

HELD_HALFWAY, HELD_SLABS = 4, 3
"""Copies at the peak of G^H: of its activations at half resolution (the convolution's, two of the
normalisation's, one that the next convolution reorders) and of the slab itself."""


@dataclass(frozen=True, eq=False)
class RealBatch:
    """A batch of real volumes as the phases need it."""

    volumes: Volumes
    slab: SlabsOfEach
    """One of each volume or, where `whole`, the partition of each, volume by volume."""
    low: LowVolumes
    start: int
    """r, the slab's first slice; 0 where `whole`."""
    labels: Labels | None
    whole: bool = False
    """Whether this step makes and judges full volumes."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A slab and a low-resolution volume of the same whole; no `low` without that branch."""

    slab: SlabsOfEach
    low: LowVolumes | None


class HierarchicalGAN(GAN[RealBatch]):
    """Generator, discriminator and encoder at several resolutions; a subclass trains them."""

    generator: Generator

    def __init__(self, config: HAGANConfig) -> None:
        super().__init__()
        self.config = config
        self.volume_shape = config.volume_shape
        self.latent_dim = config.latent_dim
        self.num_classes = config.num_classes
        self.selector = SlabSelector(
            config.volume_shape[0], config.slab_shape[0], config.high_doublings
        )
        self.whole_step = False
        """Whether this step makes full volumes; a function of the step."""
        self.generator = Generator(
            latent_dim=config.latent_dim,
            num_classes=config.num_classes,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            high_doublings=config.high_doublings,
            width=config.width * config.generator_widening,
            common_norm=config.common_norm,
            high_norm=config.high_norm,
            low_branch=config.low_branch,
            stem=config.stem,
        )
        self.discriminator = Discriminator(
            slab_shape=config.slab_shape,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            high_doublings=config.high_doublings,
            width=config.width,
            num_classes=config.num_classes,
            spectral=config.spectral_norm,
            low_branch=config.low_branch,
        )
        self.encoder = (
            Encoder(
                base_shape=config.base_shape,
                num_doublings=config.num_doublings,
                high_doublings=config.high_doublings,
                width=config.width,
                latent_dim=config.latent_dim,
                common_norm=config.common_norm,
                high_norm=config.high_norm,
            )
            if config.encoder
            else None
        )

    # The interface.

    def begin_step(self, step: int) -> None:
        """Make this a step of full volumes where `whole_every` says so."""
        every = self.config.whole_every
        self.whole_step = every > 0 and step % every == 0

    def prepare(self, real: Volumes, labels: Labels | None) -> RealBatch:
        """Draw r, cut the slab, shrink to low resolution."""
        whole = self.whole_step
        start = 0 if whole else self.selector.draw_start(uniform=self.config.random_start)
        return RealBatch(
            volumes=real,
            slab=self.selector.partition(real) if whole else self.selector.high(real, start),
            low=self.shrink(real),
            start=start,
            labels=labels if self.num_classes else None,
            whole=whole,
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
        """Activations of G^H for one slab, with its halo, where it holds most."""
        whole, height, width = self.volume_shape
        voxels = min(depth + self.selector.reduction, whole) * height * width
        size = next(self.generator.parameters()).element_size()
        doublings = self.config.high_doublings
        between = max(
            voxels // int(8 ** (doublings - level)) * (self.config.width // int(2**level))
            for level in range(1, doublings)
        )
        return size * (HELD_HALFWAY * between + HELD_SLABS * voxels)

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
        return self.config.alignment == "exact" and self.config.high_norm not in ("group", "batch")

    def shrink(self, volumes: Volumes) -> LowVolumes:
        """X^L: real volumes at low resolution."""
        step = self.selector.reduction
        if self.config.low_real == "nearest":
            return volumes[:, :, ::step, ::step, ::step]
        return functional.avg_pool3d(volumes, step)

    def slab_of(self, features: FeatureMaps, start: int, *, whole: bool = False) -> SlabsOfEach:
        """X^H_r = G^H(S^L(A; r)) (Eq. 3), or the partition of the full volume."""
        if whole:
            return self.selector.partition(self.generator.high(features))
        if self.config.alignment == "floor":
            slab: SlabsOfEach = self.generator.high(self.selector.low(features, start))
            return slab
        span = self.selector.feature_span(start)
        return self.generator.high.slab(
            features[:, :, span.start : span.stop], self.selector, start
        )

    def pair_of(
        self, latents: Latents, labels: Labels | None, start: int, *, whole: bool = False
    ) -> Pair:
        """Slab and low-resolution volume of latents (Eqs. 2 and 3)."""
        features = self.generator.common(latents, labels)
        low = None if self.generator.low is None else self.generator.low(features)
        return Pair(slab=self.slab_of(features, start, whole=whole), low=low)

    def drawn_pair(self, batch: RealBatch) -> Pair:
        """A fake pair of fresh latents, as many and of the same slab as the real ones."""
        latents = self.draw_latents(len(batch.volumes))
        return self.pair_of(latents, batch.labels, batch.start, whole=batch.whole)

    def encode_features(self, volumes: Volumes) -> FeatureMaps:
        """A-hat: E^H over the partition, concatenated; over other slabs where that is the same."""
        assert self.encoder is not None, "this HA-GAN has no encoder"
        if self.exact_encoder:
            _, _, *plane = volumes.shape[1:]
            depth = ENCODED_VOXELS // (len(volumes) * prod(plane))
            depth = max(depth - depth % self.selector.reduction, 2 * ENCODED_DEPTH)
            return self.encoder.high.by_slab(volumes, depth, halo=True)
        if volumes.is_cuda:
            # One batch of slabs keeps a GPU busier; a CPU gains nothing for the memory.
            slabs: FeatureMaps = self.encoder.high(self.selector.partition(volumes))
            by_volume = slabs.reshape(len(volumes), -1, *slabs.shape[1:])
            return by_volume.transpose(1, 2).flatten(2, 3)
        return self.encoder.high.by_slab(volumes, self.selector.slab_depth, halo=False)

    def judge(
        self, slab: SlabsOfEach, low: LowVolumes | None, start: int, *, whole: bool = False
    ) -> list[Verdict]:
        """Verdicts of D^H and, with the low branch, of D^L."""
        position: float | Tensor = self.selector.position(start)
        if whole:
            places = [self.selector.position(first) for first in self.selector.starts]
            position = torch.tensor(places, dtype=torch.float64).repeat(len(slab) // len(places))
        verdicts = [self.discriminator.high(slab, position)]
        if self.discriminator.low is not None:
            verdicts.append(self.discriminator.low(low))
        return verdicts

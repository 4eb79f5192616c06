"""HA-GAN's hierarchy: whole volumes, slabs and low-resolution volumes of one generator.

What the networks make and read, at every size; `hagan.models.ha_gan` says how they are trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.ha_gan import HAGANConfig
from hagan.models.branches import Pair, RealBatch, halved
from hagan.models.gan import GAN
from hagan.models.looking import look_at
from hagan.networks.augment import Augment
from hagan.networks.ha_gan.discriminator import Discriminator, Verdict
from hagan.networks.ha_gan.encoder import Encoder
from hagan.networks.ha_gan.generator import Generator, MiddleGenerator
from hagan.networks.ha_gan.selector import SlabSelector
from hagan.networks.ha_gan.template import Template
from hagan.networks.minibatch_deviation import own_deviations
from hagan.networks.principal_components import PrincipalComponents
from hagan.types import (
    FeatureMaps,
    Labels,
    Latents,
    LowVolumes,
    Rows,
    Seeds,
    Slabs,
    SlabsOfEach,
    Volumes,
)

ENCODED_DEPTH = 32
"""Slices that E^H encodes at once where the partition does not matter."""

ENCODED_VOXELS = 2**22
"""Voxels of a batch that E^H encodes at once in training, but for two thin slabs at least: the
activations of more would be the most that a step holds."""


class HierarchicalGAN(GAN[RealBatch]):
    """Generator, discriminator and encoder at several resolutions; a subclass trains them."""

    generator: Generator

    def __init__(self, config: HAGANConfig) -> None:
        super().__init__()
        self.config = config
        self.volume_shape = config.volume_shape
        self.latent_dim = config.latent_dim
        self.num_classes = config.num_classes
        self.num_conditions = len(config.conditions)
        by_projection = config.conditioning == "projection"
        self.selector = SlabSelector(
            config.volume_shape[0], config.slab_shape[0], config.high_doublings
        )
        self.whole_step = False
        """Whether this step makes full volumes; a function of the step."""
        self.progress = 1.0
        """Share of the run that is done."""
        self.generator = Generator(
            latent_dim=config.latent_dim,
            label_dim=config.label_dim,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            high_doublings=config.high_doublings,
            width=config.width * config.generator_widening,
            common_norm=config.common_norm,
            high_norm=config.high_norm,
            low_branch=config.low_branch,
            stem=config.stem,
            noise=config.noise,
            template=config.template,
            low_skip=config.low_skip,
        )
        # Outside of the generator, as it is needed in training alone.
        self.middle = (
            MiddleGenerator(
                channels=self.generator.high.widths[-2],
                template=Template(config.middle_shape) if config.template else None,
            )
            if config.middle_branch
            else None
        )
        warm = config.warm_start
        self.codes = (
            None
            if warm is None
            else PrincipalComponents(min(warm.components, config.latent_dim), config.low_voxels)
        )
        self.discriminator = Discriminator(
            slab_shape=config.slab_shape,
            base_shape=config.base_shape,
            num_doublings=config.num_doublings,
            high_doublings=config.high_doublings,
            width=config.width,
            num_classes=0 if by_projection else config.num_classes,
            spectral=config.spectral_norm,
            low_branch=config.low_branch,
            spread=config.minibatch_group > 0,
            projected_dim=config.label_dim if by_projection else 0,
            middle_branch=config.middle_branch,
        )
        self.augment = None if config.augment is None else Augment(config.augment)
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

    def begin_step(self, step: int, progress: float | None = None) -> None:
        """Make this a step of full volumes where `whole_every` says so."""
        every = self.config.whole_every
        self.whole_step = every > 0 and step % every == 0
        if progress is None:
            progress = self.config.fullest_progress
        self.progress = progress

    def look(self, volumes: Iterator[Volumes]) -> None:
        """Begin templates with the mean volume and find codes, where there are any."""
        templates = [
            (branch.template, shrink)
            for branch, shrink in (
                (self.generator.high, nn.Identity()),
                (self.generator.low, self.shrink),
                (self.middle, halved),
            )
            if branch is not None and branch.template is not None
        ]
        look_at(volumes, templates, self.codes, self.shrink)

    def prepare(self, real: Volumes, labels: Labels | None) -> RealBatch:
        """Draw r, cut the slab, shrink to low resolution."""
        whole = self.whole_step
        start = 0 if whole else self.selector.draw_start(uniform=self.config.random_start)
        return RealBatch(
            volumes=real,
            slab=self.selector.partition(real) if whole else self.selector.high(real, start),
            low=self.shrink(real),
            start=start,
            labels=labels if self.label_dim else None,
            whole=whole,
            middle=None if self.middle is None else halved(real),
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
            base = self.generator.base(features)
        seeds = self.generator.seeds(latents)
        yield from self.generator.high.slabs(features, depth, seeds, base)

    def slab_bytes(self, depth: int) -> int:
        """Activations of G^H for one slab, with its halo, where it holds most."""
        whole, height, width = self.volume_shape
        voxels = min(depth + self.selector.reduction, whole) * height * width
        return self.generator.high.held_bytes(voxels)

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

    def slab_of(
        self,
        features: FeatureMaps,
        start: int,
        *,
        whole: bool = False,
        seeds: Seeds | None = None,
        base: LowVolumes | None = None,
    ) -> SlabsOfEach:
        """X^H_r = G^H(S^L(A; r)) (Eq. 3), or the partition of the full volume."""
        if whole:
            return self.selector.partition(self.generator.high(features, seeds, base=base))
        if self.config.alignment == "floor":
            cut = self.selector.low(features, start)
            first = start - start % self.selector.reduction
            slab: SlabsOfEach = self.generator.high(cut, seeds, first, base)
            return slab
        span = self.selector.feature_span(start)
        return self.generator.high.slab(span.cut(features), self.selector, start, seeds, base)

    def pair_of(
        self, latents: Latents, labels: Labels | None, start: int, *, whole: bool = False
    ) -> Pair:
        """Slab, low-resolution volume and what the middle branch makes of latents (Eqs. 2, 3)."""
        features = self.generator.common(latents, labels)
        seeds = self.generator.seeds(latents)
        low = base = None
        if self.generator.low is not None:
            made = self.generator.low.base(features)
            low = self.generator.low.finished(made)
            base = made if self.generator.low_skip else None
        if self.middle is None:
            return Pair(self.slab_of(features, start, whole=whole, seeds=seeds, base=base), low)
        halfway = self.generator.high.halfway(features, seeds)
        if whole or not self.exact_encoder:
            slab = self.slab_of(features, start, whole=whole, seeds=seeds, base=base)
        else:
            # G^H is exact as E^H is: the slab's features are those of the whole, made already.
            slab = self.generator.high.slab_from_halfway(halfway, self.selector, start, base)
        return Pair(slab, low, self.middle(halfway, base))

    def fixed_latents(self, low: LowVolumes) -> Latents:
        """Codes of real volumes: scores of their principal components, the other entries drawn."""
        warm = self.config.warm_start
        assert warm is not None, "fixed codes come with a warm start"
        assert self.codes is not None, "fixed codes come with a warm start"
        drawn = self.draw_latents(len(low))
        scores = self.codes.scores(low.flatten(1)).to(drawn)
        head = drawn[:, : scores.shape[1]]
        # Fewer volumes than components leave some without a score: those are drawn too.
        known = self.codes.deviations > 0
        fixed = torch.where(known, scores + warm.noise * head, head)
        return torch.cat((fixed, drawn[:, scores.shape[1] :]), dim=1)

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
        self,
        slab: SlabsOfEach,
        low: LowVolumes | None,
        start: int,
        labels: Labels | None = None,
        *,
        whole: bool = False,
        middle: LowVolumes | None = None,
    ) -> list[Verdict]:
        """Verdicts of D^H and, with their branches, of D^L and D^M.

        Labels [b, k] are those asked for.
        """
        position: float | Tensor = self.selector.position(start)
        if whole:
            places = [self.selector.position(first) for first in self.selector.starts]
            position = torch.tensor(places, dtype=torch.float64).repeat(len(slab) // len(places))
        of_slabs = labels
        if labels is not None and whole:
            of_slabs = labels.repeat_interleave(len(slab) // len(labels), dim=0)
        spread = self._spread if self.config.minibatch_group else None
        verdicts = [self.discriminator.high(slab, position, of_slabs, spread)]
        if self.discriminator.low is not None:
            verdicts.append(self.discriminator.low(low, labels, spread))
        if self.discriminator.middle is not None:
            verdicts.append(self.discriminator.middle(middle, labels, spread))
        return verdicts

    def _spread(self, features: FeatureMaps) -> Rows:
        """How much each volume's group differs; the others of its group count as constants.

        So a penalty sees the slope of one logit, and a batch that is cut gives what the whole does.
        """
        rows = self.whole_batch(features.detach().flatten(1))
        batch = rows.view(-1, *features.shape[1:])
        # Drawn like random numbers, a volume's number is its place in the whole batch.
        places = self.draw_rows(lambda count: torch.arange(count)[:, None].float(), len(features))
        first = 0 if len(batch) == len(features) else int(places[0])
        return own_deviations(features, batch, first, self.config.minibatch_group)

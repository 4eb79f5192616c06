"""G^H, HA-GAN's generator of slabs and whole volumes from feature maps (Eq. 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import nn

from hagan.networks.blocks import Norm, NormAct, fastest_layout
from hagan.networks.group_statistics import KnownGroups, moments
from hagan.networks.ha_gan.noise import VoxelNoise
from hagan.networks.ha_gan.selector import SlabSelector, Span
from hagan.networks.ha_gan.template import Template, stretched
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, LowVolumes, Seeds, Slabs, Volumes

Act: TypeAlias = Callable[[FeatureMaps], FeatureMaps]
"""What follows a convolution; it may overwrite its input."""

HELD_HALFWAY, HELD_SLABS = 4, 3
"""Copies at the peak of G^H: of its activations at half resolution (the convolution's, two of the
normalisation's, one that the next convolution reorders) and of the slab itself."""


class HighGenerator(nn.Module):
    """G^H: A to the volume at full resolution, whole or a slab of it (Eq. 3).

    The paper's two doubling convolutions, or more of them in a deeper hierarchy, each with half the
    channels of the one before and the last with one.
    """

    def __init__(
        self,
        *,
        width: int,
        num_doublings: int,
        voxels: int,
        norm: Norm,
        noise: bool = False,
        template: Template | None = None,
    ) -> None:
        """Make the layers.

        Args:
            width: Channels of A.
            num_doublings: From A to the volume.
            voxels: Of A.
            norm: Between the convolutions.
            noise: Whether noise is added before each normalisation, where seeds are given.
            template: Added to the volume before tanh.
        """
        super().__init__()
        self.plain = False
        """Whether features stay in the layout in which they come, and whole volumes are normalised
        as in training."""
        widths = [*(width // 2**i for i in range(num_doublings)), 1]
        self.num_doublings = num_doublings
        self.widths = widths
        """Channels at each resolution, from A to the volume."""
        self.convs = nn.ModuleList(
            UpConv(inputs, outputs, voxels=voxels * 8**layer)
            for layer, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.acts = nn.ModuleList(NormAct(norm, channels) for channels in widths[1:-1])
        self.template = template
        self.noises = (
            nn.ModuleList(
                VoxelNoise(layer, channels) for layer, channels in enumerate(widths[1:-1])
            )
            if noise
            else None
        )

    def forward(
        self,
        features: FeatureMaps,
        seeds: Seeds | None = None,
        start: int = 0,
        base: LowVolumes | None = None,
    ) -> Volumes:
        """Volume [b, 1, 4d, 4h, 4w] in [-1, 1] of features [b, width, d, h, w].

        Without gradients it is what `slabs` gives, bit for bit: groups are normalised in its way.

        Args:
            features: All of A, or slices of it as if they were all.
            seeds: Give each volume its noise; without them, and without `noise`, there is none.
            start: Which slice of the volume they begin with, as noise, template and base belong to
                places in it.
            base: Whole volumes at A's resolution before tanh, of which G^H makes the details.
        """
        if not torch.is_grad_enabled() and not self.plain:
            return self._whole(features, seeds, start, base)
        return self._chain(features, (*self.acts, torch.tanh), seeds, begin=start, base=base)

    def slab(
        self,
        features: FeatureMaps,
        selector: SlabSelector,
        start: int,
        seeds: Seeds | None = None,
        base: LowVolumes | None = None,
    ) -> Slabs:
        """The slab at `start` exactly as in the whole volume, normalisation by groups apart.

        Args:
            features: Slices `selector.feature_span(start)` of A. A face of that span inside the
                volume meets the convolutions' zero padding; what the padding disturbs is cut off
                after each convolution. A face at the volume's end meets it as the whole does.
            selector: Where slabs lie.
            start: r, the slab's first slice.
            seeds: As `forward` takes them.
            base: As `forward` takes it.

        Returns:
            Slab [b, 1, slab_depth, h, w] in [-1, 1].
        """
        spans = selector.spans(start)
        assert features.shape[2] == spans[0].depth, (features.shape, spans)
        return self._chain(features, (*self.acts, torch.tanh), seeds, spans, base=base)

    def halfway(self, features: FeatureMaps, seeds: Seeds | None = None) -> FeatureMaps:
        """What the last convolution sees of whole volumes: features at half of each side."""
        return self._chain(features, tuple(self.acts), seeds)

    def slab_from_halfway(
        self,
        halfway: FeatureMaps,
        selector: SlabSelector,
        start: int,
        base: LowVolumes | None = None,
    ) -> Slabs:
        """The slab of `slab` from what `halfway` gives, normalisation by groups apart."""
        *_, before, own = selector.spans(start)
        made: FeatureMaps = self.convs[-1](before.cut(halfway))
        return torch.tanh(self._placed(own.cut(made, 2 * before.start), own.start, base))

    def slabs(
        self,
        features: FeatureMaps,
        depth: int,
        seeds: Seeds | None = None,
        base: LowVolumes | None = None,
    ) -> Iterator[Slabs]:
        """The volume that `forward` makes, slab by slab: one slab's activations at a time.

        For use, not for training: no gradient is kept. Equal to `forward` up to rounding, and to
        the bit to `forward` without gradients where the convolutions give a voxel the same bits in
        a slab as in the whole, as on CPU. Normalisation by groups needs the statistics of the whole
        volume before the first slab, so that the convolutions before it run once more for each.

        Args:
            features: All of A.
            depth: Slices of a slab, a multiple of A's reduction; the last slab may have fewer.
            seeds: As `forward` takes them.
            base: As `forward` takes it.

        Yields:
            Slabs [b, 1, depth, h, w] in [-1, 1] from the first slice to the last.
        """
        reduction = 2**self.num_doublings
        assert depth > 0, depth
        assert depth % reduction == 0, depth
        whole = features.shape[2] * reduction
        if depth >= whole:
            yield self._whole(features, seeds, base=base)
            return
        selectors = {
            start: SlabSelector(whole, min(depth, whole - start), self.num_doublings)
            for start in range(0, whole, depth)
        }
        acts: list[Act] = []
        for act in self.acts:
            if isinstance(act.norm, nn.GroupNorm):
                parts = [
                    moments(self._own(features, selector, start, acts, seeds), act.norm.num_groups)
                    for start, selector in selectors.items()
                ]
                acts.append(KnownGroups(act.norm, torch.cat(parts, dim=1)))
            else:
                acts.append(act)
        for start, selector in selectors.items():
            yield self._finished(features, selector, start, acts, seeds, base)

    def held_bytes(self, voxels: int) -> int:
        """Bytes of activations where so many voxels of a volume are made at once, at the peak."""
        between = max(
            voxels // int(8 ** (self.num_doublings - layer)) * channels
            for layer, channels in enumerate(self.widths[1:-1], 1)
        )
        size = next(self.parameters()).element_size()
        return int(size * (HELD_HALFWAY * between + HELD_SLABS * voxels))

    def _chain(
        self,
        features: FeatureMaps,
        acts: Sequence[Act],
        seeds: Seeds | None,
        spans: Sequence[Span] = (),
        begin: int = 0,
        base: LowVolumes | None = None,
    ) -> FeatureMaps:
        """As many convolutions as there are `acts`, each cut to its span and followed by its act.

        Args:
            features: All of A, or slices `spans[0]` of it.
            acts: What follows each convolution.
            seeds: Of the noise.
            spans: Slices at each resolution, A's first; none where nothing is cut.
            begin: The start that `forward` takes, where nothing is cut.
            base: As `forward` takes it.
        """
        features = self._laid_out(features)
        for layer, act in enumerate(acts):
            # One name for all, so that nothing is held longer than the next needs it.
            features = self.convs[layer](features)
            start = self._halved(begin, layer)
            if spans:
                start = spans[layer + 1].start
                features = spans[layer + 1].cut(features, 2 * spans[layer].start)
            if layer < self.num_doublings - 1:
                features = self._noisy(features, layer, seeds, start)
            else:
                features = self._placed(features, start, base)
            features = act(features)
        return features

    def _halved(self, start: int, layer: int) -> int:
        """A slice of the volume, counted at the resolution behind a convolution."""
        return start >> (self.num_doublings - 1 - layer)

    def _placed(self, made: Volumes, start: int, base: LowVolumes | None) -> Volumes:
        """What the last convolution gave from slice `start` on, with base and template there."""
        if base is not None:
            made = made + stretched(base, 2**self.num_doublings, start, made.shape[2])
        return made if self.template is None else self.template(made, start)

    def _noisy(
        self, features: FeatureMaps, layer: int, seeds: Seeds | None, start: int
    ) -> FeatureMaps:
        """What convolution `layer` gave from plane `start` on, with the noise of those planes."""
        if self.noises is None or seeds is None:
            return features
        noisy: FeatureMaps = self.noises[layer](features, seeds, start)
        return noisy

    def _laid_out(self, features: FeatureMaps) -> FeatureMaps:
        """A in the layout that is faster, but where torch's normalisation by groups would see it.

        With channels last it sums in single precision and is a hundred times less exact. Without
        gradients `KnownGroups` takes its place.
        """
        by_groups = any(isinstance(act.norm, nn.GroupNorm) for act in self.acts)
        if self.plain or (by_groups and torch.is_grad_enabled()):
            return features
        return fastest_layout(features)

    @torch.no_grad()
    def _finished(
        self,
        features: FeatureMaps,
        selector: SlabSelector,
        start: int,
        acts: Sequence[Act],
        seeds: Seeds | None,
        base: LowVolumes | None,
    ) -> Slabs:
        """A slab, with acts that know the statistics of the whole."""
        spans = selector.spans(start)
        return self._chain(spans[0].cut(features), (*acts, torch.tanh_), seeds, spans, base=base)

    @torch.no_grad()
    def _own(
        self,
        features: FeatureMaps,
        selector: SlabSelector,
        start: int,
        acts: Sequence[Act],
        seeds: Seeds | None,
    ) -> FeatureMaps:
        """What comes to the normalisation after `acts`, without the slices of neighbours."""
        spans, layer = selector.spans(start), len(acts)
        before = self._chain(spans[0].cut(features), acts, seeds, spans)
        own = selector.own(start, layer + 1)
        features = own.cut(self.convs[layer](before), 2 * spans[layer].start)
        return self._noisy(features, layer, seeds, own.start)

    @torch.no_grad()
    def _whole(
        self,
        features: FeatureMaps,
        seeds: Seeds | None,
        begin: int = 0,
        base: LowVolumes | None = None,
    ) -> Volumes:
        """All of it in one piece, groups normalised as slab by slab."""
        features = self._laid_out(features)
        for layer, act in enumerate(self.acts):
            start = self._halved(begin, layer)
            features = self._noisy(self.convs[layer](features), layer, seeds, start)
            if isinstance(act.norm, nn.GroupNorm):
                features = KnownGroups(act.norm, moments(features, act.norm.num_groups))(features)
            else:
                features = act(features)
        made = self.convs[-1](features)
        return torch.tanh_(self._placed(made, begin, base))

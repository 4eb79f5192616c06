"""HA-GAN's generator: G^A makes feature maps, G^L and G^H turn them into volumes (Eqs. 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import TypeAlias

import torch
from torch import nn

from hagan.networks.blocks import ConvBlock, Norm, NormAct, fastest_layout
from hagan.networks.dcgan import Stem
from hagan.networks.group_statistics import KnownGroups, moments
from hagan.networks.ha_gan.selector import SlabSelector, Span
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, Labels, Latents, LowVolumes, Slabs, Volumes

NUM_COMMON_LAYERS = 5

Act: TypeAlias = Callable[[FeatureMaps], FeatureMaps]
"""What follows a convolution; it may overwrite its input."""


class CommonGenerator(nn.Module):
    """G^A: latent codes to feature maps A at a quarter of the volume's side.

    Five convolutions, of which those after the first double the grid as often as A's size needs
    (four times for 256, once for 32); a size beyond 256 adds further doubling layers.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        num_classes: int,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        width: int,
        norm: Norm,
        stem: Stem = "linear",
    ) -> None:
        super().__init__()
        self.plain = False
        """Whether features stay in the layout in which they come."""
        self.base_shape = base_shape
        widths = [8 * width, 8 * width, 8 * width, 4 * width, 2 * width, width]
        widths += [width] * max(num_doublings - (NUM_COMMON_LAYERS - 1), 0)
        self.first_width = widths[0]
        inputs = latent_dim + num_classes
        convs: list[nn.Module] = []
        acts: list[nn.Module] = []
        if stem == "linear":
            self.fc = nn.Linear(inputs, widths[0] * prod(base_shape))
        else:
            # Its place is taken by a transposed convolution, which is normalised as they are.
            convs.append(nn.ConvTranspose3d(inputs, widths[0], base_shape))
            acts.append(NormAct(norm, widths[0]))
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            if layer == 0 and stem == "transposed":
                continue
            if 1 <= layer <= num_doublings:
                voxels = prod(base_shape) * 8 ** (layer - 1)
                convs.append(UpConv(inputs, outputs, voxels=voxels))
            else:
                convs.append(nn.Conv3d(inputs, outputs, 3, padding=1))
            acts.append(NormAct(norm, outputs))
        self.convs = nn.ModuleList(convs)
        self.acts = nn.ModuleList(acts)

    def forward(self, latents: Latents, labels: Labels | None = None) -> FeatureMaps:
        """A [b, width, d/4, h/4, w/4] from latents [b, z] and, if conditional, labels [b, k]."""
        code = latents if labels is None else torch.cat((latents, labels), dim=1)
        if hasattr(self, "fc"):
            features = self.fc(code).view(-1, self.first_width, *self.base_shape)
        else:
            features = code[:, :, None, None, None]
        if not torch.is_grad_enabled() and not self.plain:
            features = fastest_layout(features)
        for conv, act in zip(self.convs, self.acts, strict=True):
            features = act(conv(features))
        maps: FeatureMaps = features
        return maps


class LowGenerator(nn.Module):
    """G^L: all of A to the low-resolution volume (Eq. 2)."""

    def __init__(self, *, width: int, norm: Norm) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            ConvBlock(width, width // 2, norm=norm), ConvBlock(width // 2, width // 4, norm=norm)
        )
        self.last = nn.Conv3d(width // 4, 1, 3, padding=1)

    def forward(self, features: FeatureMaps) -> LowVolumes:
        """Low-resolution volume [b, 1, d/4, h/4, w/4] in [-1, 1]."""
        return torch.tanh(self.last(self.blocks(features)))


class HighGenerator(nn.Module):
    """G^H: A to the volume at full resolution, whole or a slab of it (Eq. 3).

    The paper's two doubling convolutions, or more of them in a deeper hierarchy, each with half the
    channels of the one before and the last with one.
    """

    def __init__(self, *, width: int, num_doublings: int, voxels: int, norm: Norm) -> None:
        """Make the layers.

        Args:
            width: Channels of A.
            num_doublings: From A to the volume.
            voxels: Of A.
            norm: Between the convolutions.
        """
        super().__init__()
        self.plain = False
        """Whether features stay in the layout in which they come, and whole volumes are normalised
        as in training."""
        widths = [*(width // 2**i for i in range(num_doublings)), 1]
        self.num_doublings = num_doublings
        self.convs = nn.ModuleList(
            UpConv(inputs, outputs, voxels=voxels * 8**layer)
            for layer, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.acts = nn.ModuleList(NormAct(norm, channels) for channels in widths[1:-1])

    def forward(self, features: FeatureMaps) -> Volumes:
        """Volume [b, 1, 4d, 4h, 4w] in [-1, 1] of features [b, width, d, h, w].

        Without gradients it is what `slabs` gives, bit for bit: groups are normalised in its way.
        """
        if not torch.is_grad_enabled() and not self.plain:
            return self._whole(features)
        return self._chain(features, (*self.acts, torch.tanh))

    def slab(self, features: FeatureMaps, selector: SlabSelector, start: int) -> Slabs:
        """The slab at `start` exactly as in the whole volume, normalisation by groups apart.

        Args:
            features: Slices `selector.feature_span(start)` of A. A face of that span inside the
                volume meets the convolutions' zero padding; what the padding disturbs is cut off
                after each convolution. A face at the volume's end meets it as the whole does.
            selector: Where slabs lie.
            start: r, the slab's first slice.

        Returns:
            Slab [b, 1, slab_depth, h, w] in [-1, 1].
        """
        spans = selector.spans(start)
        assert features.shape[2] == spans[0].depth, (features.shape, spans)
        return self._chain(features, (*self.acts, torch.tanh), spans)

    def slabs(self, features: FeatureMaps, depth: int) -> Iterator[Slabs]:
        """The volume that `forward` makes, slab by slab: one slab's activations at a time.

        For use, not for training: no gradient is kept. Equal to `forward` up to rounding, and to
        the bit to `forward` without gradients where the convolutions give a voxel the same bits in
        a slab as in the whole, as on CPU. Normalisation by groups needs the statistics of the whole
        volume before the first slab, so that the convolutions before it run once more for each.

        Args:
            features: All of A.
            depth: Slices of a slab, a multiple of A's reduction; the last slab may have fewer.

        Yields:
            Slabs [b, 1, depth, h, w] in [-1, 1] from the first slice to the last.
        """
        reduction = 2**self.num_doublings
        assert depth > 0, depth
        assert depth % reduction == 0, depth
        whole = features.shape[2] * reduction
        if depth >= whole:
            yield self._whole(features)
            return
        selectors = {
            start: SlabSelector(whole, min(depth, whole - start), self.num_doublings)
            for start in range(0, whole, depth)
        }
        acts: list[Act] = []
        for layer, act in enumerate(self.acts):
            if isinstance(act.norm, nn.GroupNorm):
                parts = [
                    moments(self._own(features, selector, start, acts, layer), act.norm.num_groups)
                    for start, selector in selectors.items()
                ]
                acts.append(KnownGroups(act.norm, torch.cat(parts, dim=1)))
            else:
                acts.append(act)
        for start, selector in selectors.items():
            yield self._finished(features, selector, start, acts)

    def _chain(
        self, features: FeatureMaps, acts: Sequence[Act], spans: Sequence[Span] = ()
    ) -> FeatureMaps:
        """As many convolutions as there are `acts`, each cut to its span and followed by its act.

        Args:
            features: All of A, or slices `spans[0]` of it.
            acts: What follows each convolution.
            spans: Slices at each resolution, A's first; none where nothing is cut.
        """
        features = self._laid_out(features)
        for layer, act in enumerate(acts):
            # One name for all, so that nothing is held longer than the next needs it.
            features = self.convs[layer](features)
            if spans:
                features = spans[layer + 1].cut(features, 2 * spans[layer].start)
            features = act(features)
        return features

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
        self, features: FeatureMaps, selector: SlabSelector, start: int, acts: Sequence[Act]
    ) -> Slabs:
        """A slab, with acts that know the statistics of the whole."""
        spans = selector.spans(start)
        return self._chain(spans[0].cut(features), (*acts, torch.tanh_), spans)

    @torch.no_grad()
    def _own(
        self,
        features: FeatureMaps,
        selector: SlabSelector,
        start: int,
        acts: Sequence[Act],
        layer: int,
    ) -> FeatureMaps:
        """What convolution `layer` gives for a slab, without the slices of its neighbours."""
        spans = selector.spans(start)
        before = self._chain(spans[0].cut(features), acts, spans)
        own = selector.own(start, layer + 1)
        return own.cut(self.convs[layer](before), 2 * spans[layer].start)

    @torch.no_grad()
    def _whole(self, features: FeatureMaps) -> Volumes:
        """All of it in one piece, groups normalised as slab by slab."""
        features = self._laid_out(features)
        for conv, act in zip(self.convs, self.acts, strict=False):
            features = conv(features)
            if isinstance(act.norm, nn.GroupNorm):
                features = KnownGroups(act.norm, moments(features, act.norm.num_groups))(features)
            else:
                features = act(features)
        return torch.tanh_(self.convs[-1](features))


class Generator(nn.Module):
    """G^A, G^L and G^H together: what the moving average follows and what makes volumes."""

    def __init__(
        self,
        *,
        latent_dim: int,
        num_classes: int,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        high_doublings: int,
        width: int,
        common_norm: Norm,
        high_norm: Norm,
        low_branch: bool,
        stem: Stem = "linear",
    ) -> None:
        super().__init__()
        self.common = CommonGenerator(
            latent_dim=latent_dim,
            num_classes=num_classes,
            base_shape=base_shape,
            num_doublings=num_doublings,
            width=width,
            norm=common_norm,
            stem=stem,
        )
        self.low = LowGenerator(width=width, norm=common_norm) if low_branch else None
        self.high = HighGenerator(
            width=width,
            num_doublings=high_doublings,
            voxels=prod(base_shape) * 8**num_doublings,
            norm=high_norm,
        )

    def forward(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """X^H = G^H(G^A(Z)), whole: inference (paper III-B)."""
        volumes: Volumes = self.high(self.common(latents, labels))
        return volumes

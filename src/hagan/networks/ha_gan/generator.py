"""HA-GAN's generator: G^A makes feature maps, G^L and G^H turn them into volumes (Eqs. 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from hagan.networks.blocks import ConvBlock, Norm, NormAct
from hagan.networks.ha_gan.selector import REDUCTION, SlabSelector, Span
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, Labels, Latents, LowVolumes, Slabs, Volumes

NUM_COMMON_LAYERS = 5


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
    ) -> None:
        super().__init__()
        self.base_shape = base_shape
        widths = [8 * width, 8 * width, 8 * width, 4 * width, 2 * width, width]
        widths += [width] * max(num_doublings - (NUM_COMMON_LAYERS - 1), 0)
        self.first_width = widths[0]
        self.fc = nn.Linear(latent_dim + num_classes, widths[0] * prod(base_shape))
        convs: list[nn.Module] = []
        acts: list[nn.Module] = []
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            doubles = 1 <= layer <= num_doublings
            convs.append(
                UpConv(inputs, outputs) if doubles else nn.Conv3d(inputs, outputs, 3, padding=1)
            )
            acts.append(NormAct(norm, outputs))
        self.convs = nn.ModuleList(convs)
        self.acts = nn.ModuleList(acts)

    def forward(self, latents: Latents, labels: Labels | None = None) -> FeatureMaps:
        """A [b, width, d/4, h/4, w/4] from latents [b, z] and, if conditional, labels [b, k]."""
        code = latents if labels is None else torch.cat((latents, labels), dim=1)
        features = self.fc(code).view(-1, self.first_width, *self.base_shape)
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
    """G^H: A to the volume at full resolution, whole or a slab of it (Eq. 3)."""

    def __init__(self, *, width: int, norm: Norm) -> None:
        super().__init__()
        self.first = UpConv(width, width // 2)
        self.act = NormAct(norm, width // 2)
        self.last = UpConv(width // 2, 1)

    def forward(self, features: FeatureMaps) -> Volumes:
        """Volume [b, 1, 4d, 4h, 4w] in [-1, 1] of features [b, width, d, h, w]."""
        return torch.tanh(self.last(self.act(self.first(features))))

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
        span = selector.feature_span(start)
        assert features.shape[2] == span.stop - span.start, (features.shape, span)
        middle = selector.middle_span(start)
        halfway = self.act(_cut(self.first(features), middle, offset=2 * span.start))
        slab = Span(start, start + selector.slab_depth)
        return torch.tanh(_cut(self.last(halfway), slab, offset=2 * middle.start))

    def slabs(self, features: FeatureMaps, depth: int) -> Iterator[Slabs]:
        """The volume that `forward` makes, slab by slab: one slab's activations at a time.

        For use, not for training: no gradient is kept. Equal to `forward` up to rounding. Which
        `depth` is taken changes no bit where the convolutions give a voxel the same bits in a slab
        as in the whole, as on CPU. Normalisation by groups needs the statistics of the whole
        volume before the first slab, so that the first convolution runs twice.

        Args:
            features: All of A.
            depth: Slices of a slab, a multiple of 4; the last slab may have fewer.

        Yields:
            Slabs [b, 1, depth, h, w] in [-1, 1] from the first slice to the last.
        """
        assert depth > 0, depth
        assert depth % REDUCTION == 0, depth
        whole = features.shape[2] * REDUCTION
        selectors = {t: SlabSelector(whole, min(depth, whole - t)) for t in range(0, whole, depth)}
        norm = self.act.norm
        act: Callable[[FeatureMaps], FeatureMaps] = self.act
        kept: FeatureMaps | None = None
        if isinstance(norm, nn.GroupNorm):
            if len(selectors) == 1:
                kept = self._halfway(features, selectors[0], 0)
                moments = [_moments(kept, norm.num_groups)]
            else:
                moments = [
                    _moments(self._halfway(features, selector, start, halo=False), norm.num_groups)
                    for start, selector in selectors.items()
                ]
            act = _Affine(norm, torch.cat(moments, dim=1))
        for start, selector in selectors.items():
            yield self._finish(features, selector, start, act, kept)

    @torch.no_grad()
    def _halfway(
        self, features: FeatureMaps, selector: SlabSelector, start: int, *, halo: bool = True
    ) -> FeatureMaps:
        """After the first convolution: what the second needs of it, or the slab's own slices."""
        span, wanted = selector.feature_span(start), selector.middle_span(start)
        if not halo:
            wanted = Span(start // 2, (start + selector.slab_depth) // 2)
        made = _in_form_of_whole(self.first, features[:, :, span.start : span.stop], features)
        return _cut(made, wanted, offset=2 * span.start)

    @torch.no_grad()
    def _finish(
        self,
        features: FeatureMaps,
        selector: SlabSelector,
        start: int,
        act: Callable[[FeatureMaps], FeatureMaps],
        kept: FeatureMaps | None,
    ) -> Slabs:
        """The slab at `start`; `kept` is what `_halfway` gave already."""
        halfway = act(self._halfway(features, selector, start) if kept is None else kept)
        made = _in_form_of_whole(self.last, halfway, features, times=8)
        slab = Span(start, start + selector.slab_depth)
        return torch.tanh(_cut(made, slab, offset=2 * selector.middle_span(start).start))


class _Affine:
    """Normalisation by groups with statistics that are known, and the rectifier, in place."""

    def __init__(self, norm: nn.GroupNorm, moments: Tensor) -> None:
        """Take the statistics of the whole from those of its parts, which are of one size.

        Args:
            norm: Gives gain, bias, groups and epsilon.
            moments: Mean and biased variance of each part, float64 [2, parts, b, groups].
        """
        means, variances = moments
        mean = means.mean(dim=0)
        variance = variances.mean(dim=0) + means.var(dim=0, correction=0)
        channels = norm.num_channels // norm.num_groups
        weight, bias = norm.weight.detach(), norm.bias.detach()
        per_channel = (variance + norm.eps).rsqrt().repeat_interleave(channels, dim=1)
        scale = per_channel * weight.cpu().double()
        shift = bias.cpu().double() - mean.repeat_interleave(channels, dim=1) * scale
        self.scale = scale[:, :, None, None, None].to(weight.dtype).to(weight.device)
        self.shift = shift[:, :, None, None, None].to(weight.dtype).to(weight.device)

    def __call__(self, features: FeatureMaps) -> FeatureMaps:
        """Normalise and rectify features [b, c, d, h, w]; they are overwritten."""
        return features.mul_(self.scale).add_(self.shift).relu_()


def _moments(halfway: FeatureMaps, num_groups: int) -> Tensor:
    """Mean and biased variance of groups, over each two slices: float64 [2, parts, b, groups].

    Always two slices, whatever the slab, so that no rounding depends on the slab. On the CPU, as
    not every device knows float64.
    """
    means, variances = [], []
    for first in range(0, halfway.shape[2], 2):
        part = halfway[:, :, first : first + 2].reshape(len(halfway), num_groups, -1)
        variance, mean = torch.var_mean(part, 2, correction=0)
        means.append(mean)
        variances.append(variance)
    return torch.stack((torch.stack(means), torch.stack(variances))).cpu().double()


def _in_form_of_whole(
    layer: UpConv, part: FeatureMaps, features: FeatureMaps, *, times: int = 1
) -> FeatureMaps:
    """`layer` in the form it takes on the whole, `times` the voxels of A: the forms round apart."""
    voxels = times * features.shape[0] * features[0, 0].numel()
    return layer.plain(part) if voxels < layer.smallest_fused else layer.fused(part)


class Generator(nn.Module):
    """G^A, G^L and G^H together: what the moving average follows and what makes volumes."""

    def __init__(
        self,
        *,
        latent_dim: int,
        num_classes: int,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        width: int,
        common_norm: Norm,
        high_norm: Norm,
        low_branch: bool,
    ) -> None:
        super().__init__()
        self.common = CommonGenerator(
            latent_dim=latent_dim,
            num_classes=num_classes,
            base_shape=base_shape,
            num_doublings=num_doublings,
            width=width,
            norm=common_norm,
        )
        self.low = LowGenerator(width=width, norm=common_norm) if low_branch else None
        self.high = HighGenerator(width=width, norm=high_norm)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """X^H = G^H(G^A(Z)), whole: inference (paper III-B)."""
        volumes: Volumes = self.high(self.common(latents, labels))
        return volumes


def _cut(features: FeatureMaps, span: Span, *, offset: int) -> FeatureMaps:
    """Slices `span` of features whose first slice is number `offset`."""
    return features[:, :, span.start - offset : span.stop - offset]

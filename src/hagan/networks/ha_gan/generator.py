"""HA-GAN's generator: G^A makes feature maps, G^L and G^H turn them into volumes (Eqs. 2 and 3)."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import torch
from torch import nn

from hagan.networks.blocks import ConvBlock, Norm, NormAct
from hagan.networks.ha_gan.selector import SlabSelector, Span
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
        halfway = _cut(self.first(features), middle, offset=2 * span.start)
        slab = Span(start, start + selector.slab_depth)
        return torch.tanh(_cut(self.last(self.act(halfway)), slab, offset=2 * middle.start))


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

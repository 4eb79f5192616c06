"""HA-GAN's encoders: E^H gives feature maps slab by slab, E^G the latent code (paper III-C)."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from hagan.networks.blocks import ConvBlock, Norm
from hagan.networks.ha_gan.selector import REDUCTION, SlabSelector
from hagan.types import FeatureMaps, Latents, Volumes

ENCODER_HALO = 8
"""Slices on either side of a slab from which its features come out as in the whole volume: 5 below
and 4 above would do; a multiple of 4 keeps the strides in step."""


class HighEncoder(nn.Module):
    """E^H: a volume or a slab to feature maps at a quarter of its side, the paper's A-hat."""

    def __init__(self, *, width: int, norm: Norm) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            ConvBlock(1, width // 2, norm=norm, kernel=4, stride=2),
            ConvBlock(width // 2, width // 2, norm=norm),
            ConvBlock(width // 2, width, norm=norm, kernel=4, stride=2),
        )

    def forward(self, volumes: Volumes) -> FeatureMaps:
        """Feature maps [b, width, d/4, h/4, w/4] of volumes or slabs [b, 1, d, h, w]."""
        features: FeatureMaps = self.blocks(volumes)
        return features

    def slab_features(self, volumes: Volumes, selector: SlabSelector, start: int) -> FeatureMaps:
        """What G^H needs to rebuild the slab at `start`, exactly as the whole volume gives it.

        Exact where the normalisation works voxel by voxel.

        Returns:
            Slices `selector.feature_span(start)` of the feature maps of the whole volumes.
        """
        voxels, wanted = selector.encoder_span(start), selector.feature_span(start)
        features = self(volumes[:, :, voxels.start : voxels.stop])
        first = wanted.start - voxels.start // REDUCTION
        kept: FeatureMaps = features[:, :, first : first + wanted.stop - wanted.start]
        return kept

    def by_slab(self, volumes: Volumes, depth: int, *, halo: bool) -> FeatureMaps:
        """A-hat of whole volumes, made from slabs of `depth` slices: one slab's activations a time.

        Args:
            volumes: Wherever they are; each slab goes to the weights' device and type.
            depth: Slices of a slab, a multiple of 4; the last slab may have fewer.
            halo: Whether a slab sees its neighbours. With it A-hat is that of the whole volume,
                where the normalisation works voxel by voxel; without it each slab ends at its own
                faces, as in the partition of the paper (III-C).

        Returns:
            Feature maps [b, width, d/4, h/4, w/4].
        """
        assert depth > 0, depth
        assert depth % REDUCTION == 0, depth
        weight = next(self.parameters())
        whole = volumes.shape[2]
        margin = ENCODER_HALO if halo else 0
        features: FeatureMaps | None = None
        for start in range(0, whole, depth):
            stop = min(start + depth, whole)
            first, last = max(start - margin, 0), min(stop + margin, whole)
            made = self(volumes[:, :, first:last].to(weight))
            if features is None:
                shape = (whole // REDUCTION, *made.shape[3:])
                features = made.new_empty(*made.shape[:2], *shape)
            own = (start - first) // REDUCTION
            count = (stop - start) // REDUCTION
            at = start // REDUCTION
            features[:, :, at : at + count] = made[:, :, own : own + count]
        assert features is not None
        return features


class GroundEncoder(nn.Module):
    """E^G: feature maps of the whole volume to its latent code, the paper's Z-hat."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        num_halvings: int,
        width: int,
        latent_dim: int,
        norm: Norm,
    ) -> None:
        super().__init__()
        widths = [width, *(4 * width // 2**i for i in reversed(range(num_halvings)))]
        self.blocks = nn.Sequential(
            *(ConvBlock(a, b, norm=norm, kernel=4, stride=2) for a, b in pairwise(widths))
        )
        self.last = nn.Conv3d(widths[-1], latent_dim, base_shape)

    def forward(self, features: FeatureMaps) -> Latents:
        """Latent codes [b, z] of feature maps [b, width, d/4, h/4, w/4]."""
        codes: Latents = self.last(self.blocks(features)).flatten(1)
        return codes


class Encoder(nn.Module):
    """E^H and E^G together; two players, since each has its own phase."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        width: int,
        latent_dim: int,
        common_norm: Norm,
        high_norm: Norm,
    ) -> None:
        super().__init__()
        self.high = HighEncoder(width=width, norm=high_norm)
        self.ground = GroundEncoder(
            base_shape=base_shape,
            num_halvings=num_doublings,
            width=width,
            latent_dim=latent_dim,
            norm=common_norm,
        )

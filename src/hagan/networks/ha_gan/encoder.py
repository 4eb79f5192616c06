"""HA-GAN's encoders: E^H gives feature maps slab by slab, E^G the latent code (paper III-C)."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from hagan.networks.blocks import ConvBlock, Norm
from hagan.networks.ha_gan.selector import REDUCTION, SlabSelector
from hagan.types import FeatureMaps, Latents, Volumes


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

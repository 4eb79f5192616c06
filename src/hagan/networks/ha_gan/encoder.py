"""HA-GAN's encoders: E^H gives feature maps slab by slab, E^G the latent code (paper III-C)."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from hagan.networks.blocks import ConvBlock, Norm
from hagan.networks.ha_gan.selector import ENCODER_HALO, SlabSelector, Span
from hagan.types import FeatureMaps, Latents, Volumes


class HighEncoder(nn.Module):
    """E^H: a volume or a slab to feature maps at A's size, the paper's A-hat.

    The paper's three layers halve the grid twice. A deeper hierarchy halves it further before them.
    """

    def __init__(self, *, width: int, num_halvings: int, norm: Norm) -> None:
        super().__init__()
        self.reduction = 2**num_halvings
        widths = [1, *(width // 2**i for i in range(num_halvings - 1, 0, -1))]
        self.blocks = nn.Sequential(
            *(
                ConvBlock(inputs, outputs, norm=norm, kernel=4, stride=2)
                for inputs, outputs in pairwise(widths)
            ),
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
        voxels = selector.encoder_span(start)
        features = self(voxels.cut(volumes))
        return selector.feature_span(start).cut(features, voxels.start // self.reduction)

    def by_slab(self, volumes: Volumes, depth: int, *, halo: bool) -> FeatureMaps:
        """A-hat of whole volumes, made from slabs of `depth` slices: one slab's activations a time.

        Args:
            volumes: Wherever they are; each slab goes to the weights' device and type.
            depth: Slices of a slab, a multiple of A's reduction; the last slab may have fewer.
            halo: Whether a slab sees its neighbours. With it A-hat is that of the whole volume,
                where the normalisation works voxel by voxel; without it each slab ends at its own
                faces, as in the partition of the paper (III-C).

        Returns:
            Feature maps [b, width, d/4, h/4, w/4].
        """
        assert depth > 0, depth
        assert depth % self.reduction == 0, depth
        weight = next(self.parameters())
        whole = volumes.shape[2]
        margin = ENCODER_HALO * self.reduction if halo else 0
        features: FeatureMaps | None = None
        for start in range(0, whole, depth):
            stop = min(start + depth, whole)
            seen = Span(max(start - margin, 0), min(stop + margin, whole))
            made = self(seen.cut(volumes).to(weight))
            if features is None:
                shape = (whole // self.reduction, *made.shape[3:])
                features = made.new_empty(*made.shape[:2], *shape)
            own = Span(start // self.reduction, stop // self.reduction)
            own.cut(features).copy_(own.cut(made, seen.start // self.reduction))
            del made  # not held while the next slab is made
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
        high_doublings: int,
        width: int,
        latent_dim: int,
        common_norm: Norm,
        high_norm: Norm,
    ) -> None:
        super().__init__()
        self.high = HighEncoder(width=width, num_halvings=high_doublings, norm=high_norm)
        self.ground = GroundEncoder(
            base_shape=base_shape,
            num_halvings=num_doublings,
            width=width,
            latent_dim=latent_dim,
            norm=common_norm,
        )

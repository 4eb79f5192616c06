"""HA-GAN's discriminators: D^H judges slabs and knows where they lie, D^L judges the whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.blocks import LEAK, spectral_norm
from hagan.networks.ha_gan.projection import Projection
from hagan.types import ClassLogits, FeatureMaps, Labels, Logits, LowVolumes, Rows, Slabs

NUM_SLAB_LAYERS_FLAT = 3

Spread: TypeAlias = Callable[[FeatureMaps], Rows]
"""Of features [b, c, ...] a number for each volume, [b, 1]: how much its group of them differs."""


def with_spread(features: FeatureMaps, spread: Spread | None) -> FeatureMaps:
    """Features and, where it is asked for, the numbers of `spread` as a further channel."""
    if spread is None:
        return features
    numbers = spread(features)[:, :, None, None, None]
    return torch.cat((features, numbers.expand(-1, 1, *features.shape[2:])), dim=1)


class Verdict(NamedTuple):
    """What a discriminator says: a real-against-fake logit and, if conditional, class logits."""

    logit: Logits
    class_logits: ClassLogits | None


class HighDiscriminator(nn.Module):
    """D^H: slabs and their position r to a verdict (Eq. 4).

    The grid is halved until A's base grid is left. The last three halvings are thin along d, where
    a slab has few slices: kernels of 2, 2 and 1 there instead of 4.
    """

    def __init__(
        self,
        *,
        slab_shape: tuple[int, int, int],
        num_halvings: int,
        width: int,
        num_classes: int,
        spectral: bool,
        spread: bool = False,
        projected_dim: int = 0,
    ) -> None:
        """Make the layers.

        Args:
            slab_shape: Voxels of a slab along d, h, w.
            num_halvings: How often the grid is halved.
            width: Of A.
            num_classes: That a head of its own tells; 0 for no head.
            spectral: Whether every layer has spectral normalisation.
            spread: Whether the last convolution takes each volume's spread as a further channel.
            projected_dim: Entries of the label that is projected; 0 for none.
        """
        super().__init__()
        self.plain = False
        """Whether rectifiers write elsewhere than into what they read."""
        widths = [1, *(8 * width // 2**i for i in reversed(range(num_halvings)))]
        convs: list[nn.Module] = []
        depth, height, wide = slab_shape
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            from_end = num_halvings - layer
            if from_end > NUM_SLAB_LAYERS_FLAT:
                kernel, stride, padding = (4, 4, 4), (2, 2, 2), (1, 1, 1)
            elif from_end > 1 and depth >= 2:
                kernel, stride, padding = (2, 4, 4), (2, 2, 2), (0, 1, 1)
            else:
                kernel, stride, padding = (1, 4, 4), (1, 2, 2), (0, 1, 1)
            convs.append(
                spectral_norm(nn.Conv3d(inputs, outputs, kernel, stride, padding), spectral)
            )
            depth, height, wide = depth // stride[0], height // 2, wide // 2
        last = nn.Conv3d(widths[-1] + spread, 2 * width, (depth, height, wide))
        convs.append(spectral_norm(last, spectral))
        self.convs = nn.ModuleList(convs)
        self.fc = spectral_norm(nn.Linear(2 * width + 1, width), spectral)
        self.logit = spectral_norm(nn.Linear(width, 1), spectral)
        self.classes = (
            spectral_norm(nn.Linear(width, num_classes), spectral) if num_classes else None
        )
        self.projection = projection_of(projected_dim, width, spectral)

    def forward(
        self,
        slabs: Slabs,
        position: float | Tensor,
        labels: Labels | None = None,
        spread: Spread | None = None,
    ) -> Verdict:
        """Judge slabs [b, 1, d, h, w] that lie at `position` in [0, 1]: one for all, or [b].

        The labels [b, k] count where D projects them.
        """
        features: FeatureMaps = slabs
        for layer, conv in enumerate(self.convs):
            if layer == len(self.convs) - 1:
                features = with_spread(features, spread)
            features = functional.leaky_relu(conv(features), LEAK, inplace=not self.plain)
        vector = features.flatten(1)
        if isinstance(position, Tensor):
            place = position.to(vector)[:, None]
        else:
            place = vector.new_full((len(vector), 1), position)
        hidden = functional.leaky_relu(self.fc(torch.cat((vector, place), dim=1)), LEAK)
        classes = None if self.classes is None else self.classes(hidden)
        logit = self.logit(hidden).flatten()
        if self.projection is not None:
            logit = logit + self.projection(hidden, labels)
        return Verdict(logit, classes)


class LowDiscriminator(nn.Module):
    """D^L: whole low-resolution volumes to a verdict (Eq. 5)."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        num_halvings: int,
        width: int,
        num_classes: int,
        spectral: bool,
        spread: bool = False,
        projected_dim: int = 0,
    ) -> None:
        """Make the layers.

        Args:
            base_shape: Grid at which the last layer sees the whole.
            num_halvings: How often the grid is halved.
            width: Of A.
            num_classes: That a head of its own tells; 0 for no head.
            spectral: Whether every layer has spectral normalisation.
            spread: Whether the last convolution takes each volume's spread as a further channel.
            projected_dim: Entries of the label that is projected; 0 for none.
        """
        super().__init__()
        self.plain = False
        """Whether rectifiers write elsewhere than into what they read."""
        widths = [1, *(4 * width // 2**i for i in reversed(range(num_halvings)))]
        convs: list[nn.Module] = [
            spectral_norm(nn.Conv3d(inputs, outputs, 4, 2, 1), spectral)
            for inputs, outputs in pairwise(widths)
        ]
        self.convs = nn.ModuleList(convs)
        features_dim = width if projected_dim else 0
        assert not (num_classes and projected_dim), "classes are told by a head or projected"
        outputs = 1 + num_classes + features_dim
        last = nn.Conv3d(widths[-1] + spread, outputs, base_shape)
        self.last = spectral_norm(last, spectral)
        self.projection = projection_of(projected_dim, features_dim, spectral)

    def forward(
        self, volumes: LowVolumes, labels: Labels | None = None, spread: Spread | None = None
    ) -> Verdict:
        """Judge low-resolution volumes [b, 1, d/4, h/4, w/4]; labels [b, k] as D^H does."""
        features: FeatureMaps = volumes
        for conv in self.convs:
            features = functional.leaky_relu(conv(features), LEAK, inplace=not self.plain)
        answer = self.last(with_spread(features, spread)).flatten(1)
        if self.projection is not None:
            return Verdict(answer[:, 0] + self.projection(answer[:, 1:], labels), None)
        classes = answer[:, 1:] if answer.shape[1] > 1 else None
        return Verdict(answer[:, 0], classes)


def projection_of(projected_dim: int, features_dim: int, spectral: bool) -> Projection | None:
    """The projection of labels onto a branch's features, if labels are projected."""
    if not projected_dim:
        return None
    return Projection(label_dim=projected_dim, features_dim=features_dim, spectral=spectral)


class Discriminator(nn.Module):
    """D^H, D^L and, where it is asked for, D^M together: one player."""

    def __init__(
        self,
        *,
        slab_shape: tuple[int, int, int],
        base_shape: tuple[int, int, int],
        num_doublings: int,
        high_doublings: int,
        width: int,
        num_classes: int,
        spectral: bool,
        low_branch: bool,
        spread: bool = False,
        projected_dim: int = 0,
        middle_branch: bool = False,
    ) -> None:
        super().__init__()
        self.high = HighDiscriminator(
            slab_shape=slab_shape,
            num_halvings=num_doublings + high_doublings,
            width=width,
            num_classes=num_classes,
            spectral=spectral,
            spread=spread,
            projected_dim=projected_dim,
        )
        self.low = (
            LowDiscriminator(
                base_shape=base_shape,
                num_halvings=num_doublings,
                width=width,
                num_classes=num_classes,
                spectral=spectral,
                spread=spread,
                projected_dim=projected_dim,
            )
            if low_branch
            else None
        )
        # D^M looks at half of each side, as D^L does at A's size: it has one halving more.
        self.middle = (
            LowDiscriminator(
                base_shape=base_shape,
                num_halvings=num_doublings + 1,
                width=width,
                num_classes=num_classes,
                spectral=spectral,
                spread=spread,
                projected_dim=projected_dim,
            )
            if middle_branch
            else None
        )

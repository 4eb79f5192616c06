"""HA-GAN's discriminators: D^H judges slabs and knows where they lie, D^L judges the whole."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.blocks import LEAK, spectral_norm
from hagan.types import ClassLogits, FeatureMaps, Logits, LowVolumes, Slabs

NUM_SLAB_LAYERS_FLAT = 3


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
    ) -> None:
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
        last = nn.Conv3d(widths[-1], 2 * width, (depth, height, wide))
        convs.append(spectral_norm(last, spectral))
        self.convs = nn.ModuleList(convs)
        self.fc = spectral_norm(nn.Linear(2 * width + 1, width), spectral)
        self.logit = spectral_norm(nn.Linear(width, 1), spectral)
        self.classes = (
            spectral_norm(nn.Linear(width, num_classes), spectral) if num_classes else None
        )

    def forward(self, slabs: Slabs, position: float | Tensor) -> Verdict:
        """Judge slabs [b, 1, d, h, w] that lie at `position` in [0, 1]: one for all, or [b]."""
        features: FeatureMaps = slabs
        for conv in self.convs:
            features = functional.leaky_relu(conv(features), LEAK, inplace=not self.plain)
        vector = features.flatten(1)
        if isinstance(position, Tensor):
            place = position.to(vector)[:, None]
        else:
            place = vector.new_full((len(vector), 1), position)
        hidden = functional.leaky_relu(self.fc(torch.cat((vector, place), dim=1)), LEAK)
        classes = None if self.classes is None else self.classes(hidden)
        return Verdict(self.logit(hidden).flatten(), classes)


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
    ) -> None:
        super().__init__()
        self.plain = False
        """Whether rectifiers write elsewhere than into what they read."""
        widths = [1, *(4 * width // 2**i for i in reversed(range(num_halvings)))]
        convs: list[nn.Module] = [
            spectral_norm(nn.Conv3d(inputs, outputs, 4, 2, 1), spectral)
            for inputs, outputs in pairwise(widths)
        ]
        self.convs = nn.ModuleList(convs)
        self.last = spectral_norm(nn.Conv3d(widths[-1], 1 + num_classes, base_shape), spectral)

    def forward(self, volumes: LowVolumes) -> Verdict:
        """Judge low-resolution volumes [b, 1, d/4, h/4, w/4]."""
        features: FeatureMaps = volumes
        for conv in self.convs:
            features = functional.leaky_relu(conv(features), LEAK, inplace=not self.plain)
        answer = self.last(features).flatten(1)
        classes = answer[:, 1:] if answer.shape[1] > 1 else None
        return Verdict(answer[:, 0], classes)


class Discriminator(nn.Module):
    """D^H and D^L together: one player."""

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
    ) -> None:
        super().__init__()
        self.high = HighDiscriminator(
            slab_shape=slab_shape,
            num_halvings=num_doublings + high_doublings,
            width=width,
            num_classes=num_classes,
            spectral=spectral,
        )
        self.low = (
            LowDiscriminator(
                base_shape=base_shape,
                num_halvings=num_doublings,
                width=width,
                num_classes=num_classes,
                spectral=spectral,
            )
            if low_branch
            else None
        )

"""S^H, S^L and the partition T_v of the paper: which slices a slab holds, at both resolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from hagan.types import FeatureMaps, Slabs, Volumes

REDUCTION = 4
"""Slices of the volume for each slice of A."""


class Span(NamedTuple):
    """Slices from `start` up to but without `stop`."""

    start: int
    stop: int


@dataclass(frozen=True)
class SlabSelector:
    """Cuts slabs of `slab_depth` out of `depth` slices, and what they need of A."""

    depth: int
    slab_depth: int

    @property
    def starts(self) -> tuple[int, ...]:
        """T_v: first slices of the partition into slabs that do not overlap."""
        return tuple(range(0, self.depth, self.slab_depth))

    def draw_start(self, *, uniform: bool = True) -> int:
        """Draw r, one for the whole batch: any slice where a slab fits, or one of the partition's.

        The draw comes from torch's global CPU generator, which the trainer seeds at each step.
        """
        if uniform:
            return int(torch.randint(self.depth - self.slab_depth + 1, ()))
        return self.starts[int(torch.randint(len(self.starts), ()))]

    def position(self, start: int) -> float:
        """Where r lies in its range, from 0 to 1, as D^H is told it."""
        return start / max(self.depth - self.slab_depth, 1)

    def high(self, volumes: Volumes, start: int) -> Slabs:
        """S^H(X^H; r): the slab of a volume that starts at slice r."""
        return volumes[:, :, start : start + self.slab_depth]

    def low(self, features: FeatureMaps, start: int) -> FeatureMaps:
        """S^L(A; r // 4) without a halo, as the released code cuts it."""
        first = start // REDUCTION
        return features[:, :, first : first + self.slab_depth // REDUCTION]

    def middle_span(self, start: int) -> Span:
        """Slices at half resolution that G^H's last convolution needs for the slab at `start`."""
        first, last = (start - 1) // 2, (start + self.slab_depth) // 2
        return Span(max(first, 0), min(last + 1, self.depth // 2))

    def feature_span(self, start: int) -> Span:
        """Slices of A that G^H needs for the slab at `start`: the slab's own and a halo."""
        middle = self.middle_span(start)
        first, last = (middle.start - 1) // 2, middle.stop // 2
        return Span(max(first, 0), min(last + 1, self.depth // REDUCTION))

    def encoder_span(self, start: int) -> Span:
        """Slices of the volume from which E^H gives exactly the features of `feature_span`.

        Each feature slice depends on 5 slices below and 8 above its own first; with 8 on either
        side what a cut face disturbs is no more than the two outermost feature slices.
        """
        features = self.feature_span(start)
        margin = 2 * REDUCTION
        return Span(
            max(features.start * REDUCTION - margin, 0),
            min(features.stop * REDUCTION + margin, self.depth),
        )

"""S^H, S^L and the partition T_v of the paper: which slices a slab holds, at every resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from hagan.types import FeatureMaps, Slabs, SlabsOfEach, Volumes

ENCODER_HALO = 2
"""Slices of A on either side of a slab from which E^H gives its features as in the whole volume:
each reaches 5 slices of the volume beyond its own 4, or 11 beyond its own 8. Whole slices of A keep
the strides in step."""


class Span(NamedTuple):
    """Slices from `start` up to but without `stop`."""

    start: int
    stop: int

    @property
    def depth(self) -> int:
        """How many slices."""
        return self.stop - self.start

    def cut(self, features: FeatureMaps, offset: int = 0) -> FeatureMaps:
        """These slices of features whose first slice is number `offset`."""
        return features[:, :, self.start - offset : self.stop - offset]


@dataclass(frozen=True)
class SlabSelector:
    """Cuts slabs of `slab_depth` out of `depth` slices, and what they need of A."""

    depth: int
    slab_depth: int
    num_doublings: int = 2
    """Doublings of G^H, from A to the volume."""

    @property
    def reduction(self) -> int:
        """Slices of the volume for each slice of A."""
        return int(2**self.num_doublings)

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

    def partition(self, volumes: Volumes) -> SlabsOfEach:
        """All slabs of T_v, those of one volume after those of another."""
        return volumes.reshape(-1, 1, self.slab_depth, *volumes.shape[3:])

    def low(self, features: FeatureMaps, start: int) -> FeatureMaps:
        """S^L(A; r // 4) without a halo, as the released code cuts it."""
        first = start // self.reduction
        return features[:, :, first : first + self.slab_depth // self.reduction]

    def spans(self, start: int) -> tuple[Span, ...]:
        """Slices that G^H needs at each of its resolutions for the slab at `start`, from A on.

        The last is the slab; each other is what the convolution behind it reaches of the next,
        within the volume: output slices 2i and 2i + 1 come from i - 1, i and i + 1.
        """
        spans = [Span(start, start + self.slab_depth)]
        depth = self.depth
        for _ in range(self.num_doublings):
            depth //= 2
            first, last = (spans[0].start - 1) // 2, spans[0].stop // 2
            spans.insert(0, Span(max(first, 0), min(last + 1, depth)))
        return tuple(spans)

    def own(self, start: int, level: int) -> Span:
        """The slices of the slab itself at a resolution, 0 for A, as cuts between slabs lie there.

        Only for starts and depths that are multiples of `reduction`.
        """
        step = 2 ** (self.num_doublings - level)
        return Span(start // step, (start + self.slab_depth) // step)

    def feature_span(self, start: int) -> Span:
        """Slices of A that G^H needs for the slab at `start`: the slab's own and a halo."""
        return self.spans(start)[0]

    def encoder_span(self, start: int) -> Span:
        """Slices of the volume from which E^H gives exactly the features of `feature_span`."""
        features = self.feature_span(start)
        return Span(
            max((features.start - ENCODER_HALO) * self.reduction, 0),
            min((features.stop + ENCODER_HALO) * self.reduction, self.depth),
        )

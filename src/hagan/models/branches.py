"""What HA-GAN's branches make and see: real batches, and slabs with what belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from hagan.types import Labels, LowVolumes, SlabsOfEach, Volumes


def halved(volumes: Volumes) -> LowVolumes:
    """X^M: volumes at half of each side, of which the middle branch judges."""
    return functional.avg_pool3d(volumes, 2)


@dataclass(frozen=True, eq=False)
class Pair:
    """A slab and a low-resolution volume of the same whole; no `low` without that branch."""

    slab: SlabsOfEach
    low: LowVolumes | None
    middle: LowVolumes | None = None
    """The whole at half of each side, where the model has that branch."""

    @property
    def inputs(self) -> list[Tensor]:
        """What each branch of D sees, in the order of its verdicts."""
        return [seen for seen in (self.slab, self.low, self.middle) if seen is not None]

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Pair:
        """Each of them changed."""
        low, middle = (None if t is None else change(t) for t in (self.low, self.middle))
        return Pair(change(self.slab), low, middle)


@dataclass(frozen=True, eq=False)
class RealBatch:
    """A batch of real volumes as the phases need it."""

    volumes: Volumes
    slab: SlabsOfEach
    """One of each volume or, where `whole`, the partition of each, volume by volume."""
    low: LowVolumes
    start: int
    """r, the slab's first slice; 0 where `whole`."""
    labels: Labels | None
    whole: bool = False
    """Whether this step makes and judges full volumes."""
    middle: LowVolumes | None = None
    """X^M, the mean of 2 x 2 x 2 voxels, where the model has that branch."""

    def beside(self, fake: Pair) -> Pair:
        """What D sees of the real volumes beside fakes: the same branches."""
        return Pair(self.slab, None if fake.low is None else self.low, self.middle)

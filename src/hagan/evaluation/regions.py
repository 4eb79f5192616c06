"""Regions of a volume that directions in latent space move, and their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hagan.data.morphology import Mask
from hagan.data.placement import Geometry
from hagan.data.thorax_regions import thorax_regions
from hagan.data.volume import Modality, Volume
from hagan.errors import UsageError
from hagan.evaluation.brain_regions import brain_regions

__all__ = ["REGIONS", "Size", "region_masks", "region_sizes", "regions_of", "sizes_of"]


@dataclass(frozen=True)
class Size:
    """How a region's size is told."""

    unit: str
    """ml, or % of another region."""
    of: str | None = None
    """The region that it is a share of."""

    def of_masks(self, masks: Mapping[str, Mask], region: str, voxel_ml: float) -> float:
        """The size of a region; NaN as a share of nothing."""
        count = float(np.count_nonzero(masks[region]))
        if self.of is None:
            return count * voxel_ml
        whole = np.count_nonzero(masks[self.of])
        return 100.0 * count / whole if whole else float("nan")


REGIONS: dict[Modality, dict[str, Size]] = {
    "ct": {"lung": Size("ml"), "bone": Size("ml"), "emphysema": Size("% of lung", of="lung")},
    "mr": {"brain": Size("ml"), "ventricles": Size("ml")},
}
"""Of a thorax CT and of a skull-stripped T1 brain."""


PROTOCOLS = ("thorax-ct", "brain-t1")
"""Preparations after which the regions of a modality are what they are called."""


def regions_of(geometry: Geometry | None) -> dict[str, Size]:
    """The regions that are found in volumes of such data; none in other parts of the body."""
    if geometry is None or geometry.protocol not in PROTOCOLS:
        return {}
    return REGIONS.get(geometry.modality, {})


def sizes_of(modality: Modality) -> dict[str, Size]:
    """The regions of a modality.

    Raises:
        UsageError: None are known of it.
    """
    if modality not in REGIONS:
        raise UsageError(
            f"regions are found in ct (lung, bone, emphysema) and in mr (brain, ventricles), not "
            f"where the modality is {modality}"
        )
    return REGIONS[modality]


def region_masks(volume: Volume) -> dict[str, Mask]:
    """The regions of a thorax CT in HU, or of a skull-stripped T1 brain with 0 around it.

    Raises:
        UsageError: It is neither.
    """
    sizes_of(volume.modality)
    find = thorax_regions if volume.modality == "ct" else brain_regions
    return find(volume.voxels, volume.spacing)


def region_sizes(volume: Volume, masks: Mapping[str, Mask] | None = None) -> dict[str, float]:
    """The size of each region, in the units of `REGIONS`.

    Args:
        volume: As for `region_masks`.
        masks: Its regions, if they were found before.

    Raises:
        UsageError: It is neither of CT nor of MR.
    """
    found = region_masks(volume) if masks is None else masks
    voxel_ml = float(np.prod(volume.spacing)) / 1000
    return {
        region: size.of_masks(found, region, voxel_ml)
        for region, size in sizes_of(volume.modality).items()
    }

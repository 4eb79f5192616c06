"""Painting by fractions: every tissue covers a share of each voxel, later paint over earlier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import Box, Field


@dataclass(frozen=True)
class Paint:
    """Tissue for a part of the scan.

    Attributes:
        where: A box of the scan, or flat indices of its voxels.
        share: How much of each voxel it covers, 0 to 1; shaped like the part.
        hu: Attenuation, one number or one per voxel.
        bone: Whether it counts as bone.
    """

    where: Box | NDArray[np.intp]
    share: Field
    hu: Field | float
    bone: bool = False


@dataclass(frozen=True)
class Canvas:
    """A scan being painted.

    Attributes:
        hu: Attenuation in HU [d, h, w].
        bone: Share of bone in each voxel, 0 to 1 [d, h, w].
    """

    hu: Field
    bone: Field

    def paint(self, paint: Paint) -> None:
        """Mix a tissue into its part of the scan, in place."""
        for target, value in (
            (self.hu, paint.hu),
            (self.bone, 1.0 if paint.bone else 0.0),
        ):
            flat = target if isinstance(paint.where, tuple) else target.reshape(-1)
            part = flat[paint.where]
            # A chain of one expression would hold three more arrays of the part at once.
            change = np.asarray(value, np.float32) - part
            change *= paint.share
            part = part + change
            flat[paint.where] = part

"""The one volume that every reader returns and every writer takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Modality: TypeAlias = Literal["ct", "mr", "unknown"]

CANONICAL_AXES = ("S", "P", "L")
"""Where array indices d, h, w grow to: head, back, the patient's left."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan in memory.

    Attributes:
        voxels: Intensities [d, h, w], float32; Hounsfield units for CT.
        affine: 4 x 4, float64: voxel index (d, h, w, 1) to millimetres in RAS world coordinates,
            NIfTI's convention (x to the right, y to the front, z to the head).
        modality: What the intensities are; NIfTI does not say, so it may be unknown.
        mended: What a reader mended because it was asked to, in words; empty for a scan as it is.
    """

    voxels: NDArray[np.float32]
    affine: NDArray[np.float64]
    modality: Modality = "unknown"
    mended: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.voxels.ndim == 3, f"a volume has three axes, not {self.voxels.shape}"
        assert self.affine.shape == (4, 4), f"an affine is 4 x 4, not {self.affine.shape}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along d, h, w."""
        depth, height, width = self.voxels.shape
        return depth, height, width

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in millimetres between neighbouring voxels along d, h, w."""
        d, h, w = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(d), float(h), float(w)

"""What rendering one phantom returns: the volume, its true factors and its tissue fractions."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rendered:
    """One phantom with its truth.

    Attributes:
        voxels: Intensities [d, h, w], axis codes S, P, L.
        truth: Named numbers; a name says its unit (`_ml`, `_mm`).
        masks: Tissue fractions [d, h, w] between 0 and 1 by name; empty unless asked for.
    """

    voxels: NDArray[np.float32]
    truth: dict[str, float]
    masks: dict[str, NDArray[np.float32]] = field(default_factory=dict)

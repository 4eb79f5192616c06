"""What rendering a phantom returns, and how it fails: volume, truth, tissue fractions."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


class CalibrationError(RuntimeError):
    """A phantom's volumes cannot be brought to their targets: a fault of ours, never silent."""


@dataclass(frozen=True)
class Rendered:
    """One phantom with its truth.

    Attributes:
        voxels: Intensities [d, h, w], axis codes S, P, L: int16 HU for a thorax, float32 with
            white matter near 1 for a brain.
        truth: Named numbers; a name says its unit (`_ml`, `_mm`, `_l`).
        masks: Tissue fractions [d, h, w] between 0 and 1 by name; empty unless asked for.
    """

    voxels: NDArray[np.int16] | NDArray[np.float32]
    truth: dict[str, float]
    masks: dict[str, NDArray[np.float32]] = field(default_factory=dict)

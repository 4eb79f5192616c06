"""Volumes at a glance: in what space copies are still near each other when noise or blur lies over.

Features of networks react strongly to noise, so a noisy copy of a training scan is far from it in
them. Means over large boxes hardly move.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hagan.evaluation.measure import Fact
from hagan.evaluation.sets import Voxels

SIDE = 16
"""Boxes along each axis: of 8 voxels at side 128, of one or two centimetres in most scans."""


class Thumbnail:
    """Means over 16 x 16 x 16 boxes; a measure."""

    name = "thumbnail"
    definition: Mapping[str, Fact] = {
        "measure": name,
        "boxes": SIDE,
        "mean": "adaptive average pooling",
        "version": 1,
    }

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        """Means [4096] of a volume."""
        tensor = torch.from_numpy(np.ascontiguousarray(volume))[None].double()
        boxes = functional.adaptive_avg_pool3d(tensor, SIDE)
        values: NDArray[np.float64] = boxes.flatten().numpy()
        return values

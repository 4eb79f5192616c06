"""The body in a thorax CT, with all that it holds and without the table that it lies on."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hagan.data.morphology import Mask, largest_part


def body_of(tissue: Mask) -> Mask:
    """The chest with all that it holds; table and clothes are other parts.

    Args:
        tissue: What is denser than air, [d, h, w].

    Returns:
        The largest part with its holes, the lungs among them, filled.
    """
    body = largest_part(tissue)
    # Slice by slice, as the airways leave a body through its top. Where an axial slice is open, as
    # with a thin wall on a coarse grid, the other two planes together tell what is inside.
    axial, coronal, sagittal = (_filled(body, axis) for axis in range(3))
    return axial | (coronal & sagittal)


def _filled(body: Mask, axis: int) -> Mask:
    """The slices along an axis with their holes filled."""
    slices = [ndimage.binary_fill_holes(plane) for plane in np.moveaxis(body, axis, 0)]
    return np.moveaxis(np.stack(slices), 0, axis)

"""The body in a thorax CT, with all that it holds and without the table that it lies on."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from hagan.data.morphology import Mask, grown, largest_part, opened, otsu
from hagan.data.transforms import resize
from hagan.data.volume import Volume
from hagan.errors import ScanError

WORKING_MM = 3.0
"""Voxels on which the body is found; finer ones cost minutes and change its outline little."""

AIR_BELOW_HU = (-700.0, -300.0)
"""Where the threshold between air and body can be."""

LOOSE_MM = 8.0
"""Twice as thick is what the body is held to; a table top and its cover are thinner."""

LEAST_SHARE = 0.03
"""Of the field of view that a body fills."""


def find_body(scan: Volume, *, name: str = "scan") -> Mask:
    """Find the body in a thorax CT, without the table even where the two touch.

    Args:
        scan: Hounsfield units in canonical orientation.
        name: What error texts call the scan.

    Returns:
        The body with its lungs, on the scan's grid.

    Raises:
        ScanError: E126 there is none, or hardly any.
    """
    shape = [
        max(1, min(size, round(size * step / WORKING_MM)))
        for size, step in zip(scan.shape, scan.spacing, strict=True)
    ]
    coarse = resize(scan, (shape[0], shape[1], shape[2]))
    hu = np.clip(coarse.voxels, -1024, 600)
    tissue = hu > np.clip(otsu(hu), *AIR_BELOW_HU)
    # Lungs are filled before what is thin is cut off: the chest wall is thin as well.
    solid = body_of(tissue)
    core = largest_part(opened(solid, LOOSE_MM, coarse.spacing))
    body = grown(core, 2 * max(coarse.spacing), coarse.spacing) & solid
    body = largest_part(body)
    if np.count_nonzero(body) < LEAST_SHARE * body.size:
        raise ScanError("E126", f"{name}: no body was found; is it a CT of a thorax?")
    smooth = resize(dataclasses.replace(coarse, voxels=body.astype(np.float32)), scan.shape)
    return np.asarray(smooth.voxels > 0.5)


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

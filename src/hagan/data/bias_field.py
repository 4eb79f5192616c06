"""Slow shading of MR images, removed by N4 (Tustison et al. 2010, IEEE TMI 29(6))."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from hagan.data.itk import simple_itk, to_image
from hagan.data.morphology import Mask
from hagan.data.transforms import box_above, crop
from hagan.data.volume import Volume

WORKING_MM = 4.0
"""Voxels on which the field is found; it varies over centimetres."""

ITERATIONS = (50, 50, 30)
"""At most, at each of the levels; the mesh of the field doubles from one to the next."""


def correct_bias(volume: Volume, mask: Mask) -> Volume:
    """Divide a volume by the smooth field that sharpens its histogram most.

    Args:
        volume: Intensities that are mostly positive.
        mask: Where the field is found, [d, h, w]; not empty.

    Returns:
        The volume with even tissues; the median within the mask stays what it was.

    Raises:
        UsageError: SimpleITK is not installed.
    """
    corrected = volume.voxels / bias_field(volume, mask)
    before, after = (float(np.median(voxels[mask])) for voxels in (volume.voxels, corrected))
    if after > 0:
        corrected *= np.float32(before / after)
    return dataclasses.replace(volume, voxels=corrected)


def bias_field(volume: Volume, mask: Mask) -> NDArray[np.float32]:
    """The factor by which each voxel is too bright, [d, h, w].

    Args:
        volume: Intensities that are mostly positive.
        mask: Where the field is found, [d, h, w]; not empty. Beyond it the field stays within the
            range that it has inside.

    Raises:
        UsageError: SimpleITK is not installed.
    """
    sitk = simple_itk()
    # The logarithm of what is not positive would spoil the histogram.
    used = (mask & (volume.voxels > 0)).astype(np.float32)
    box = box_above(used, 0.0)
    if box is None:
        return np.ones(volume.shape, np.float32)
    part = crop(volume, box)
    region = crop(dataclasses.replace(volume, voxels=used), box).voxels.astype(np.uint8)
    image = to_image(part)
    factors = [max(1, round(WORKING_MM / step)) for step in reversed(volume.spacing)]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(ITERATIONS))
    n4.SetNumberOfThreads(1)  # sums in another order would give other bits
    n4.Execute(sitk.Shrink(image, factors), sitk.Shrink(to_image(part, region), factors))
    log = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).astype(np.float32)
    inside = log[region > 0]
    log = np.clip(log, inside.min(), inside.max())
    around = [(start, size - stop) for (start, stop), size in zip(box, volume.shape, strict=True)]
    field: NDArray[np.float32] = np.exp(np.pad(log, around, mode="edge"))
    return field

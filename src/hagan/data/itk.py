"""Volumes as images of SimpleITK, which is optional and loaded when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hagan.data.packaged import INSTALL
from hagan.data.volume import Volume
from hagan.errors import UsageError

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""ITK's world grows to the left and the back, ours to the right and the front; its own inverse."""


def simple_itk() -> Any:
    """The module SimpleITK.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import SimpleITK
    except ImportError as error:
        raise UsageError(
            f"whole heads need the package SimpleITK, which is not installed: {INSTALL}"
        ) from error
    return SimpleITK


def to_image(volume: Volume, voxels: NDArray[Any] | None = None) -> Any:
    """A volume as an image of SimpleITK, whose index runs along w, h, d.

    Args:
        volume: The volume; its axes may be oblique.
        voxels: Other values on its grid, [d, h, w].

    Returns:
        The image in ITK's world.

    Raises:
        UsageError: SimpleITK is not installed.
    """
    sitk = simple_itk()
    image = sitk.GetImageFromArray(volume.voxels if voxels is None else voxels)
    affine = TO_LPS @ volume.affine
    columns = affine[:3, [2, 1, 0]]
    spacing = np.linalg.norm(columns, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((columns / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image

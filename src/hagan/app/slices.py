"""Slices as PNG pictures: the thumbnails of a grid, and the viewer where there is no WebGL2."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hagan.app.volumes import Served
from hagan.data.montage import middle_planes
from hagan.data.png import png_bytes
from hagan.errors import UsageError

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = get_args(Plane)
"""In the order of the axes d, h, w on which they stand."""

SHOWN = 512
"""Pixels of a slice along its longer side."""

THUMB = 200
_GAP = 4


def slice_png(
    served: Served, plane: Plane, index: int, window: tuple[float, float] | None = None
) -> bytes:
    """One slice in its true proportions; the patient's right is on the left, the head or front up.

    Args:
        served: The volume.
        plane: Which plane.
        index: Along d from the feet, h from the front, or w from the patient's right.
        window: Lowest and highest intensity; by default the volume's own.

    Returns:
        A greyscale PNG.

    Raises:
        UsageError: There is no such slice, or the window is empty.
    """
    axis = PLANES.index(plane)
    if not 0 <= index < served.shape[axis]:
        raise UsageError(f"{plane} slices go from 0 to {served.shape[axis] - 1}, not {index}")
    return png_bytes(_picture(served, axis, index, window or default_window(served), SHOWN))


def thumb_png(served: Served) -> bytes:
    """The axial and the coronal middle slice side by side."""
    window = default_window(served)
    planes = [_picture(served, axis, served.shape[axis] // 2, window, THUMB) for axis in (0, 1)]
    height = max(plane.shape[0] for plane in planes)
    canvas = np.zeros((height, sum(plane.shape[1] for plane in planes) + _GAP), np.uint8)
    left = 0
    for plane in planes:
        top = (height - plane.shape[0]) // 2
        canvas[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
        left += plane.shape[1] + _GAP
    return png_bytes(canvas)


def default_window(served: Served) -> tuple[float, float]:
    """The window that a page begins with."""
    return next(iter(served.windows.values()))


def _picture(
    served: Served, axis: int, index: int, window: tuple[float, float], longest: int
) -> NDArray[np.uint8]:
    """A slice with square pixels, its longer side that long."""
    low, high = window
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UsageError(f"a window goes from low to high, not from {low:g} to {high:g}")
    at = [0, 0, 0]
    at[axis] = index
    plane = middle_planes(served.voxels, (at[0], at[1], at[2]))[axis]
    grey = np.clip((plane.astype(np.float32) - low) * (255 / (high - low)), 0, 255)
    down, across = (size for number, size in enumerate(served.spacing) if number != axis)
    return _resized(np.rint(grey).astype(np.uint8), (down, across), longest)


def _resized(
    grey: NDArray[np.uint8], spacing: tuple[float, float], longest: int
) -> NDArray[np.uint8]:
    sides = [count * size for count, size in zip(grey.shape, spacing, strict=True)]
    scale = longest / max(sides)
    height, width = (max(1, round(side * scale)) for side in sides)
    picture: Any = Image.fromarray(np.ascontiguousarray(grey))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.uint8)

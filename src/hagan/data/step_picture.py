"""One picture of the steps from a scan to what is stored: three planes a step, regions outlined."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.montage import montage
from hagan.data.morphology import Mask
from hagan.data.png import write_png
from hagan.data.transforms import fit
from hagan.data.volume import Volume

SIDE = 160
"""Pixels of a plane."""

QUANTILES = (0.005, 0.995)
BRIGHTEST = 0.5
"""Of the volume, in [-1, 1], so that a white outline stands out."""


@dataclass(frozen=True, eq=False)
class Step:
    """What a scan has become.

    Attributes:
        label: What was done, in letters that `montage` draws.
        volume: The scan then.
        outlined: A region of it, if there is one to show.
    """

    label: str
    volume: Volume
    outlined: Mask | None = None


Watch: TypeAlias = Callable[[Step], None]
"""What is called with each step."""


def unwatched(step: Step) -> None:
    """Let a step go by."""


def write_steps(path: Path, steps: Sequence[Step], name: str) -> None:
    """Write the picture of a scan's steps, one below the other.

    Args:
        path: A PNG file; its folder must exist.
        steps: At least one.
        name: Of the scan; kept in the file's text.

    Raises:
        DiskError: The file cannot be written.
    """
    rows = [(step.label, [shown(step)]) for step in steps]
    write_png(path, montage(rows, scale=1), {"Scan": name})


def shown(step: Step) -> NDArray[np.float32]:
    """A step in cubic voxels, in the middle what is outlined, in [-1, 1]; outlines are white.

    Args:
        step: The step.

    Returns:
        A cube of `SIDE` voxels, [d, h, w].
    """
    volume, region = step.volume, step.outlined
    if region is not None and region.any():
        middle = np.rint(ndimage.center_of_mass(region)).astype(int)
        volume = _centred(volume, middle)
        region = (
            _centred(
                dataclasses.replace(step.volume, voxels=region.astype(np.float32)), middle
            ).voxels
            > 0
        )
    low, high = (float(value) for value in np.quantile(step.volume.voxels, QUANTILES))
    cube = _cube(volume, low)
    scaled = (cube - low) / max(high - low, 1e-6) * (1 + BRIGHTEST) - 1
    picture: NDArray[np.float32] = np.clip(scaled, -1, BRIGHTEST).astype(np.float32)
    if region is not None:
        inside = _cube(dataclasses.replace(volume, voxels=region.astype(np.float32)), 0.0) > 0.5
        picture[inside & ~ndimage.binary_erosion(inside, np.ones((3, 3, 3)))] = 1
    return picture


def _cube(volume: Volume, background: float) -> NDArray[np.float32]:
    extent = max(size * step for size, step in zip(volume.shape, volume.spacing, strict=True))
    return fit(volume, (SIDE,) * 3, extent / SIDE, background).voxels


def _centred(volume: Volume, middle: NDArray[np.int64]) -> Volume:
    """The volume with so much around it that a voxel is its middle; the affine is not kept."""
    pads = []
    for size, place in zip(volume.shape, middle, strict=True):
        before = size - 1 - 2 * int(place)
        pads.append((max(0, before), max(0, -before)))
    edge = float(volume.voxels.min())
    padded = np.pad(volume.voxels, pads, constant_values=edge)
    return dataclasses.replace(volume, voxels=padded)

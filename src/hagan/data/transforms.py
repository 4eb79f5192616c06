"""Pure functions from Volume to Volume that keep the affine true: orient, crop, mask, resize."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from hagan.data.volume import Volume

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""First voxel and one past the last along d, h, w."""


def to_canonical(volume: Volume) -> Volume:
    """Permute and flip the axes so that d, h, w grow to the head, the back and the left.

    No voxel is resampled: an oblique scan keeps its obliqueness in the affine.

    Args:
        volume: A volume with its axes in any order.

    Returns:
        The same voxels in world space, axis codes S, P, L.
    """
    order = _nearest_axes(volume.affine)
    affine = volume.affine.copy()
    affine[:, :3] = affine[:, order]
    voxels = volume.voxels.transpose(order)
    # World x, y, z grow to R, A, S; d must grow along +z, h along -y, w along -x.
    for axis, (world, sign) in enumerate(((2, 1.0), (1, -1.0), (0, -1.0))):
        if affine[world, axis] * sign < 0:
            affine[:, 3] += affine[:, axis] * (voxels.shape[axis] - 1)
            affine[:, axis] *= -1
            voxels = np.flip(voxels, axis)
    return dataclasses.replace(volume, voxels=np.ascontiguousarray(voxels), affine=affine)


def _nearest_axes(affine: NDArray[np.float64]) -> tuple[int, int, int]:
    """Find which array axes run most nearly along world z, y and x."""
    along = np.abs(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    z, y, x = max(
        itertools.permutations(range(3)),
        key=lambda axes: float(along[2, axes[0]] + along[1, axes[1]] + along[0, axes[2]]),
    )
    return z, y, x


def crop(volume: Volume, box: Box) -> Volume:
    """Cut out a box.

    Args:
        volume: The volume.
        box: First voxel and one past the last along d, h, w, inside the volume.

    Returns:
        The voxels of the box; the affine's origin moves with it.
    """
    voxels = volume.voxels[tuple(slice(start, stop) for start, stop in box)]
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array([start for start, _ in box], np.float64)
    return dataclasses.replace(volume, voxels=voxels, affine=affine)


def box_above(voxels: NDArray[np.float32], level: float) -> Box | None:
    """Find the smallest box that holds every voxel above a level.

    Args:
        voxels: Intensities [d, h, w].
        level: The blank intensity.

    Returns:
        The box, or None where no voxel is above the level.
    """
    inside = voxels > level
    if not inside.any():
        return None
    spans = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(inside.any(axis=others))
        spans.append((int(held[0]), int(held[-1]) + 1))
    return spans[0], spans[1], spans[2]


def resize(volume: Volume, shape: tuple[int, int, int]) -> Volume:
    """Stretch the whole field of view to a grid of another shape.

    Trilinear where an axis grows. Where it shrinks the triangle widens by the same factor, which
    removes what the new grid could only alias (scikit-image blurs with a Gaussian for that end).
    New voxel i is centred on old position (i + 1/2) n_old / n_new - 1/2, so the outer faces of
    the field of view stay where they are.

    Args:
        volume: The volume.
        shape: Voxels along d, h, w of the result.

    Returns:
        The resampled volume with the affine of its own grid.
    """
    steps = tuple(old / new for old, new in zip(volume.shape, shape, strict=True))
    starts = tuple(step / 2 - 0.5 for step in steps)
    return _resample(volume, shape, starts, steps, background=None)


def fit(volume: Volume, shape: tuple[int, int, int], spacing: float, background: float) -> Volume:
    """Resample to cubic voxels on a grid that is centred on the volume; what lies outside is blank.

    Args:
        volume: The volume.
        shape: Voxels along d, h, w of the result.
        spacing: Side of a voxel of the result, in mm.
        background: Intensity outside the volume.

    Returns:
        The resampled volume with the affine of its own grid.
    """
    steps = tuple(spacing / old for old in volume.spacing)
    starts = tuple(
        (old - 1) / 2 - (new - 1) / 2 * step
        for old, new, step in zip(volume.shape, shape, steps, strict=True)
    )
    return _resample(volume, shape, starts, steps, background)


def _resample(
    volume: Volume,
    shape: tuple[int, int, int],
    starts: tuple[float, ...],
    steps: tuple[float, ...],
    background: float | None,
) -> Volume:
    """Sample at positions start + step * i of every axis; None repeats the border outside."""
    voxels = volume.voxels if background is None else volume.voxels - np.float32(background)
    matrices = [
        _triangle_weights(old, new, start, step, renormalise=background is None)
        for old, new, start, step in zip(volume.shape, shape, starts, steps, strict=True)
    ]
    # The axis that shrinks most goes first: the later products are then small.
    for axis in sorted(range(3), key=lambda axis: shape[axis] / volume.shape[axis]):
        voxels = np.moveaxis(np.tensordot(matrices[axis], voxels, axes=(1, axis)), 0, axis)
    if background is not None:
        voxels = voxels + np.float32(background)
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(starts)
    affine[:3, :3] *= np.array(steps)
    return dataclasses.replace(volume, voxels=np.ascontiguousarray(voxels), affine=affine)


def _triangle_weights(
    old: int, new: int, start: float, step: float, *, renormalise: bool
) -> NDArray[np.float32]:
    """Weights [new, old] of a triangle filter that is never narrower than one old voxel."""
    width = max(step, 1.0)
    centres = start + step * np.arange(new)
    if renormalise:
        # Between the outermost centre and the face of the volume the border voxel is repeated.
        centres = np.clip(centres, 0, old - 1)
        sources = np.arange(old)
    else:
        first = min(0, int(np.floor(centres[0] - width)))
        last = max(old - 1, int(np.ceil(centres[-1] + width)))
        sources = np.arange(first, last + 1)
    weights = np.clip(1 - np.abs(sources[None, :] - centres[:, None]) / width, 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    # Sampled at whole voxels, a triangle of fractional width leans by some hundredths of a voxel;
    # tilting it back makes every linear ramp, and so every edge, come out where it lies. Weights
    # that the border cuts are left alone: there the tilt would extrapolate.
    whole = (centres - width >= sources[0] - 1) & (centres + width <= sources[-1] + 1)
    leans = (weights * sources).sum(axis=1)
    spread = sources[None, :] - leans[:, None]
    variance = np.maximum((weights * spread**2).sum(axis=1), 1e-9)
    weights *= 1 + (whole * (centres - leans) / variance)[:, None] * spread
    inside = weights[:, (sources >= 0) & (sources < old)]
    result: NDArray[np.float32] = inside.astype(np.float32)
    return result

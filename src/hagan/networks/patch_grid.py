"""Where patches lie in a volume, what is around them, and how they make a volume again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hagan.types import FeatureMaps, LowVolumes

Corner: TypeAlias = tuple[int, int, int]
"""First voxel of a patch along d, h, w."""

OUTSIDE = -1.0
"""Intensity beyond the faces of a volume."""


def window(volumes: LowVolumes, corner: Sequence[int], side: int, *, edge: bool) -> LowVolumes:
    """A cube of volumes [b, 1, d, h, w], which may reach beyond their faces.

    Args:
        volumes: From which it is cut.
        corner: Its first voxel; may be negative.
        side: Its voxels along each axis.
        edge: Whether the outermost voxels go on beyond the faces; else there is `OUTSIDE`.
    """
    cut = volumes
    pads: list[int] = []
    for axis, start in enumerate(corner):
        size = volumes.shape[2 + axis]
        first, last = min(max(start, 0), size - 1), max(min(start + side, size), 1)
        cut = cut.narrow(2 + axis, first, last - first)
        pads = [first - start, start + side - last, *pads]
    if not any(pads):
        return cut
    if edge:
        return functional.pad(cut, pads, mode="replicate")
    return functional.pad(cut, pads, value=OUTSIDE)


def around(low: LowVolumes, corner: Sequence[int], side: int) -> FeatureMaps:
    """What a patch knows of the scale before: the same field doubled, and twice the field.

    The first channel is a patch of the volume doubled by trilinear interpolation, voxel for voxel;
    the second as many low voxels about the same centre.

    Args:
        low: Volumes [b, 1, d, h, w] of the scale before.
        corner: First voxel of the patch at twice their resolution; even.
        side: Of the patch, a multiple of 4.

    Returns:
        Two channels [b, 2, side, side, side].
    """
    assert not any(start % 2 for start in corner), corner
    half = [start // 2 for start in corner]
    # One voxel more on each side, which interpolation reads, and which doubled is cut off again.
    near = window(low, [start - 1 for start in half], side // 2 + 2, edge=True)
    doubled = functional.interpolate(near, scale_factor=2.0, mode="trilinear", align_corners=False)
    doubled = doubled[:, :, 2:-2, 2:-2, 2:-2]
    wide = window(low, [start - side // 4 for start in half], side, edge=False)
    return torch.cat([doubled, wide], dim=1)


def starts(size: int, side: int, stride: int) -> list[int]:
    """First voxels of patches along an axis: every `stride`, and the last that fits."""
    regular = list(range(0, size - side, stride))
    return [*regular, size - side]


def shares(size: int, side: int, inner: int, stride: int) -> list[Float[Tensor, " side"]]:
    """What each patch along an axis counts in each of its voxels; they add up to 1 in all.

    A patch counts in its inner part, and up to the volume's face where it lies at one. Voxels of
    several inner parts are averaged.

    Args:
        size: Voxels of the volume along the axis.
        side: Voxels of a patch.
        inner: Voxels in its middle that are kept.
        stride: From one patch to the next.
    """
    crop = (side - inner) // 2
    places = starts(size, side, stride)
    counts = torch.zeros(size)
    kept = []
    for start in places:
        first = 0 if start == 0 else crop
        last = side if start == size - side else side - crop
        mask = torch.zeros(side)
        mask[first:last] = 1.0
        counts[start : start + side] += mask
        kept.append(mask)
    return [mask / counts[start : start + side] for start, mask in zip(places, kept, strict=True)]


def assembled(
    shape: Corner,
    count: int,
    make: Callable[[Corner], LowVolumes],
    *,
    side: int,
    inner: int,
    stride: int,
    like: Tensor,
) -> LowVolumes:
    """Volumes whose patches `make` makes, one place after the other along w, h and d.

    Args:
        shape: Of a volume.
        count: Volumes.
        make: Patches [count, 1, side, side, side] of a place.
        side: As for `shares`.
        inner: As for `shares`.
        stride: As for `shares`.
        like: Has the type and device of the patches.
    """
    volumes = like.new_zeros(count, 1, *shape)
    for corner, share in _places(shape, side, inner, stride):
        cut = volumes
        for axis, start in enumerate(corner):
            cut = cut.narrow(2 + axis, start, side)
        cut.add_(make(corner) * share.to(like))
    return volumes


def _places(
    shape: Corner, side: int, inner: int, stride: int
) -> Iterator[tuple[Corner, Float[Tensor, "side side side"]]]:
    """Every patch's first voxel, and what it counts in each of its voxels."""
    axes = [
        list(zip(starts(size, side, stride), shares(size, side, inner, stride), strict=True))
        for size in shape
    ]
    for (z, along_d), (y, along_h), (x, along_w) in product(*axes):
        yield (z, y, x), along_d[:, None, None] * along_h[:, None] * along_w

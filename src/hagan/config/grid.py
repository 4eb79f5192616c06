"""Grids of volumes: which shapes networks can double up to, and from what base."""

from __future__ import annotations

from typing import TypeAlias

from hagan.errors import UsageError

Shape3: TypeAlias = tuple[int, int, int]

LARGEST_BASE = 7
SMALLEST_BASE = 3
LEAST_BASE = 2
"""Base of an axis where nothing larger fits, such as one half as long as the others."""


def three_axes(shape: tuple[int, ...]) -> Shape3:
    """A shape as three whole numbers.

    Raises:
        UsageError: It does not have three axes.
    """
    sizes = tuple(int(size) for size in shape)
    if len(sizes) != 3:
        raise UsageError(f"volume shape {sizes} does not have three axes")
    depth, height, width = sizes
    return depth, height, width


def doublings_of(shape: Shape3, *, reduction: int = 1) -> int:
    """How often a base grid is doubled to reach a shape: the fewest times, at least one.

    Args:
        shape: Voxels along d, h, w.
        reduction: Voxels of the shape for one of the grid that is to be reached.

    Raises:
        UsageError: No base grid fits.
    """
    for smallest in (SMALLEST_BASE, LEAST_BASE):
        for doublings in range(1, 12):
            step = reduction * 2**doublings
            bases = [size / step for size in shape]
            fits = all(b.is_integer() and smallest <= b <= LARGEST_BASE for b in bases)
            if fits and max(bases) >= SMALLEST_BASE:
                return doublings
    raise UsageError(
        f"volume shape {shape}: each axis must be a base of {SMALLEST_BASE} to "
        f"{LARGEST_BASE} times the same power of two, at least {2 * reduction} (such as "
        "32, 64, 128, 256, or 80 96 112); choose another side"
    )


def base_of(shape: Shape3, *, reduction: int = 1) -> Shape3:
    """The base grid that is doubled `doublings_of` times; raises as that does."""
    step = reduction * int(2 ** doublings_of(shape, reduction=reduction))
    depth, height, width = (size // step for size in shape)
    return depth, height, width

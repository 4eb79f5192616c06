"""Volumes slab by slab: which slabs fit the memory, and volumes that wait on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hagan.data.files import disk_error, make_folder
from hagan.inference.memory import free_memory
from hagan.models.gan import GAN

Stream: TypeAlias = Literal["auto", "always", "never"]
"""Whether volumes are made slab by slab; `auto` where one pass would take too much memory."""

DEPTHS = (32, 16, 8, 4)
"""Slices of a slab, the first choice first: thinner ones recompute more of their neighbours."""

SHARE = 0.5
"""Of the free memory, for activations; the rest is for A, the volume and other programs."""

ASSUMED_FREE = 4 * 2**30
"""Bytes taken to be free where the system does not tell."""


def slab_depth(model: GAN[Any], stream: Stream, *, free: int | None) -> int:
    """Slices that a model makes at once.

    Args:
        model: Tells what it would hold.
        stream: `never` is the whole depth, `always` a part of it, `auto` the whole where it fits.
        free: Bytes that are free on the model's device; None where that is unknown.

    Returns:
        The whole depth, or a multiple of 4: the first of `DEPTHS` that fits, else the last.
    """
    whole = model.volume_shape[0]
    allowed = SHARE * (ASSUMED_FREE if free is None else free)
    thinner = tuple(depth for depth in DEPTHS if depth < whole)
    if stream == "never" or not thinner:
        return whole
    if stream == "auto" and model.slab_bytes(whole) <= allowed:
        return whole
    return next((depth for depth in thinner if model.slab_bytes(depth) <= allowed), thinner[-1])


def depth_that_fits(model: GAN[Any], stream: Stream, device: str, *, processes: int = 1) -> int:
    """`slab_depth` with the memory that is free on a device now.

    Args:
        model: As `slab_depth` takes it.
        stream: As `slab_depth` takes it.
        device: Where it computes.
        processes: How many compute at once; on a CPU they share its memory.
    """
    free = free_memory(device)
    if free is not None and device == "cpu":
        free //= processes
    return slab_depth(model, stream, free=free)


@contextmanager
def spooled(
    slabs: Iterable[NDArray[np.float32]], shape: tuple[int, int, int], folder: Path
) -> Iterator[tuple[NDArray[np.float32], str]]:
    """Put slabs on disk one after the other, and give them back as one array that stays there.

    A volume's hash goes into its file before its voxels, and is known after the last of them.

    Args:
        slabs: Along d, from the first slice to the last.
        shape: Of all of them, d, h, w.
        folder: Where the nameless file lies that holds 4 bytes a voxel until the block ends; it is
            made if absent. The system takes the file back even from a killed process.

    Yields:
        The array, mapped and read-only, and its SHA-256 as `hash_of` gives it.

    Raises:
        DiskError: The folder cannot be written to, or is full.
    """
    digest = hashlib.sha256()
    with _nameless(make_folder(folder)) as file:
        for slab in slabs:
            left = np.ascontiguousarray(slab, dtype="<f4").data.cast("B")
            digest.update(left)
            try:
                # Not through the mapping: there a full disk is a signal that ends the process.
                while left:
                    left = left[file.write(left) :]
            except OSError as error:
                raise disk_error(folder, error) from error
        yield np.memmap(file, "<f4", "r", shape=shape), digest.hexdigest()


def _nameless(folder: Path) -> FileIO:
    """A file without a name; unbuffered, as closing must not try again what failed."""
    try:
        return TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        raise disk_error(folder, error) from error

"""The store's int16 voxels: to and from intensities in [-1, 1], and read from a file in one pass.

A file is read in blocks that stay in the processor's cache and are written, as float32 and mirrored
where asked, to where the batch has them. Of a large volume, most of the time goes into memory that
is touched for the first time, so nothing else of a volume's size is allocated on the way.
"""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hagan.errors import BadInputError

FULL_SCALE = 32767

_BLOCK_BYTES = 2**19
"""Of a file, at a time; with its float32 form it fits into the second level of most caches."""


def quantise(volume: NDArray[np.float32]) -> NDArray[np.int16]:
    """Turn [-1, 1] into the store's int16.

    Args:
        volume: Intensities in [-1, 1].

    Returns:
        The same shape, from -32767 to 32767.
    """
    return np.rint(np.clip(volume, -1, 1) * FULL_SCALE).astype(np.int16)


def dequantise(stored: NDArray[np.int16], out: NDArray[np.float32]) -> None:
    """Turn the store's int16 into [-1, 1].

    Args:
        stored: From -32767 to 32767.
        out: Where to; any strides.
    """
    out[...] = stored
    np.divide(out, np.float32(FULL_SCALE), out=out)


def read_voxels(
    path: Path,
    out: NDArray[np.float32] | NDArray[np.int16],
    *,
    mirrored: bool = False,
) -> None:
    """Read one array of a store.

    Args:
        path: The .npy file.
        out: Where to [d, h, w]: float32 for intensities in [-1, 1], int16 for what is stored.
        mirrored: Swap left and right.

    Raises:
        BadInputError: The file is absent, damaged, cut short, or of another shape or type.
    """
    try:
        with path.open("rb") as file:
            transposed = _read_header(file, path, out.shape)
            view = out[..., ::-1] if mirrored else out
            _read_blocks(file, view.T if transposed else view)
    except (OSError, ValueError, EOFError) as error:
        raise BadInputError(f"cannot read {path}: {error}; run hagan prepare again") from error


def _read_header(file: BufferedReader, path: Path, expected: tuple[int, ...]) -> bool:
    """Check what a file holds; tells whether its first axis varies fastest."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, transposed, dtype = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, transposed, dtype = npy.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {version} of the format is not known")
    if shape != expected or dtype != np.int16:
        raise BadInputError(
            f"{path} holds {dtype} {shape}, expected int16 {expected}; run hagan prepare again"
        )
    return transposed


def _read_blocks(file: BufferedReader, out: NDArray[np.float32] | NDArray[np.int16]) -> None:
    """Fill an array, of any strides, with what is left of a file."""
    rows = max(1, _BLOCK_BYTES // (2 * out[0].size))
    block = np.empty((min(rows, len(out)), *out.shape[1:]), np.int16)
    for first in range(0, len(out), rows):
        part = out[first : first + rows]
        stored = block[: len(part)]
        # Read, not mapped: of a mapped file that is cut short or out of reach, the process dies.
        if file.readinto(stored.data.cast("B")) != stored.nbytes:
            raise EOFError("the file is cut short")
        if part.dtype == np.float32:
            dequantise(stored, cast(NDArray[np.float32], part))
        else:
            part[...] = stored

"""NumPy arrays [d, h, w] with their geometry in a .json of the same name beside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.files import atomic_path, write_bytes_atomically
from hagan.data.volume import Volume
from hagan.errors import ScanError


def read_npy(path: Path) -> Volume:
    """Read an array and its sidecar.

    The sidecar holds ``{"affine": [4 rows of 4], "modality": "ct" | "mr" | "unknown"}``: voxel
    index to millimetres in RAS. Without it the array is refused, as its orientation is unknown.

    Args:
        path: A .npy file.

    Returns:
        The volume.

    Raises:
        ScanError: E101 cut short or not to be opened, E102 not NumPy, E104 not three-dimensional,
            E108 no usable sidecar.
    """
    voxels = read_array(path)
    sidecar = path.with_suffix(".json")
    try:
        content = json.loads(sidecar.read_text("utf-8"))
        affine = np.array(content["affine"], np.float64)
        modality = content.get("modality", "unknown")
    except FileNotFoundError as error:
        raise ScanError(
            "E108", f"{path.name}: no {sidecar.name} with its affine beside it"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ScanError("E108", f"{path.name}: {sidecar.name} holds no affine") from error
    if affine.shape != (4, 4) or modality not in ("ct", "mr", "unknown"):
        raise ScanError("E108", f"{path.name}: {sidecar.name} holds no affine of 4 x 4")
    return Volume(voxels, affine, modality)


def read_array(path: Path) -> NDArray[np.float32]:
    """Read an array alone, in the order of its own axes.

    Args:
        path: A .npy file; one axis of length 1 before or after the other three is dropped.

    Returns:
        Voxels with three axes.

    Raises:
        ScanError: E101 cut short or not to be opened, E102 not NumPy, E104 not three-dimensional.
    """
    try:
        # Mapping checks the declared size against the file before anything is allocated.
        voxels = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ScanError("E101", f"{path.name}: {error.strerror or error}") from error
    except (ValueError, EOFError) as error:
        with path.open("rb") as stream:
            is_numpy = stream.read(6) == b"\x93NUMPY"
        if is_numpy and "object" not in str(error).lower():
            raise ScanError("E101", f"{path.name}: cut short or damaged ({error})") from error
        raise ScanError("E102", f"{path.name}: not a NumPy array of numbers") from error
    if not isinstance(voxels, np.ndarray) or voxels.dtype.kind not in "iufb":
        raise ScanError("E102", f"{path.name}: not a NumPy array of numbers")
    if voxels.ndim == 4 and 1 in (voxels.shape[0], voxels.shape[-1]):
        voxels = voxels[0] if voxels.shape[0] == 1 else voxels[..., 0]
    if voxels.ndim != 3 or min(voxels.shape) < 2:
        raise ScanError("E104", f"{path.name}: shape {voxels.shape} is not a volume")
    return np.array(voxels, np.float32)


def write_npy(volume: Volume, path: Path) -> None:
    """Write the voxels as float32, and their geometry beside.

    Args:
        volume: The volume; voxels that are mapped from a file are copied without being read whole.
        path: A .npy file; the sidecar has the same name with .json.

    Raises:
        DiskError: A file cannot be written.
    """
    sidecar = {"affine": volume.affine.tolist(), "modality": volume.modality}
    write_bytes_atomically(path.with_suffix(".json"), json.dumps(sidecar).encode())
    with atomic_path(path) as temporary:
        np.save(temporary, volume.voxels.astype(np.float32, copy=False))

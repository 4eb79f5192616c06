"""FreeSurfer volumes, .mgz and .mgh, read through nibabel after the checks that it leaves out."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np

from hagan.data.nifti import MAX_VOXELS
from hagan.data.volume import Volume
from hagan.errors import ScanError

_HEADER_SIZE = 284
_BYTES_PER_VOXEL = {0: 1, 1: 4, 3: 4, 4: 2, 10: 2}
"""MGH's codes of uchar, int, float, short and ushort."""


def read_mgz(path: Path) -> Volume:
    """Read one volume in the orientation of its file.

    Args:
        path: A .mgz or .mgh file.

    Returns:
        Voxels [i, j, k]; modality MR, which is what FreeSurfer handles.

    Raises:
        ScanError: E101 cut short or not to be opened, E102 not MGH, E104 not three-dimensional,
            E107 a size that cannot be, E108 no orientation, E109 damaged.
    """
    name = path.name
    try:
        with gzip.open(path) if name.lower().endswith("mgz") else path.open("rb") as stream:
            header = stream.read(_HEADER_SIZE)
            declared = _declared_size(header, name)
            content = header + stream.read(declared)
            while stream.read(2**20):  # scan parameters and tags follow; the CRC comes last
                pass
    except gzip.BadGzipFile as error:
        is_gzip = "Not a gzipped" not in str(error)
        code, said = ("E109", "damaged") if is_gzip else ("E102", "not a gzip file")
        raise ScanError(code, f"{name}: {said} ({error})") from error
    except zlib.error as error:
        raise ScanError("E109", f"{name}: the gzip stream is damaged ({error})") from error
    except EOFError as error:
        raise ScanError("E101", f"{name}: cut short; copy the file again") from error
    except OSError as error:
        raise ScanError("E101", f"{name}: {error.strerror or error}") from error
    if len(content) < _HEADER_SIZE + declared:
        raise ScanError("E101", f"{name}: cut short; copy the file again")
    try:
        image = nib.MGHImage.from_stream(io.BytesIO(content))
        voxels = np.asarray(image.dataobj).astype(np.float32)
    except (nib.spatialimages.HeaderDataError, ValueError) as error:
        raise ScanError("E109", f"{name}: not readable as MGH ({error})") from error
    return Volume(voxels[..., 0] if voxels.ndim == 4 else voxels, image.affine, "mr")


def _declared_size(header: bytes, name: str) -> int:
    """Bytes of voxels by the header, which is checked first."""
    if len(header) < _HEADER_SIZE:
        raise ScanError("E101", f"{name}: cut short within the header; copy the file again")
    version, i, j, k, frames, kind, _, has_orientation = struct.unpack(">7ih", header[:30])
    if version != 1 or kind not in _BYTES_PER_VOXEL:
        raise ScanError("E102", f"{name}: not a FreeSurfer volume")
    if frames != 1 or min(i, j, k) < 2:
        raise ScanError("E104", f"{name}: {i} x {j} x {k} with {frames} frames is not one volume")
    if i * j * k > MAX_VOXELS:
        raise ScanError("E107", f"{name}: the header declares {i} x {j} x {k} voxels")
    if has_orientation != 1:
        raise ScanError("E108", f"{name}: no orientation, so left and right are unknown")
    return int(i * j * k * _BYTES_PER_VOXEL[kind])

"""NIfTI-1 and NIfTI-2, .nii and .nii.gz: a strict reader and a writer.

nibabel reads headers; the bytes are read here, because nibabel allocates what a header declares,
never checks gzip's CRC, and accepts a file that is longer than its header says.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from hagan.data.files import atomic_path
from hagan.data.volume import Volume
from hagan.errors import ScanError

MAX_VOXELS = 2**31
"""More than any scanner makes; a header that declares more is damaged or hostile."""

_MAX_INFLATION = 1032
"""The most that deflate can shrink; what a .nii.gz declares beyond it cannot be there."""

_MAX_TRAILING = 511
"""Some writers fill the last block of 512 bytes."""

_TO_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FRAME = 16
"""Added to zlib's window bits: a gzip header without a time, and the CRC."""

_LEVEL = 6
_VOXELS_AT_ONCE = 2**22


def read_nifti(path: Path) -> Volume:
    """Read one volume in the orientation of its file.

    A sform is preferred to a qform. A file with neither is refused: which side is left would be
    a guess.

    Args:
        path: A .nii or .nii.gz file.

    Returns:
        Voxels [i, j, k] with the scaling of the header applied; modality unknown.

    Raises:
        ScanError: E101 cut short or not to be opened, E102 not NIfTI, E104 not three-dimensional,
            E107 a size that cannot be, E108 no usable affine, E109 damaged.
    """
    is_gzip = path.name.lower().endswith(".gz")
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            _check_magic(raw.read(2), is_gzip, path)
        with gzip.open(path) if is_gzip else path.open("rb") as stream:
            header = _header(stream, path)
            shape = _shape(header, path)
            end = _declared_end(header, shape, size * _MAX_INFLATION if is_gzip else size, path)
            wanted = end - stream.tell()
            data = stream.read(wanted)
            trailing = len(stream.read(_MAX_TRAILING + 1))
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ScanError("E109", f"{path.name}: the gzip stream is damaged ({error})") from error
    except EOFError as error:
        raise ScanError("E101", f"{path.name}: cut short; copy the file again") from error
    except OSError as error:
        raise ScanError("E101", f"{path.name}: {error.strerror or error}") from error
    if len(data) < wanted:
        said = f"cut short, {len(data)} of {wanted} bytes"
        raise ScanError("E101", f"{path.name}: {said}; copy the file again")
    if trailing > _MAX_TRAILING:
        raise ScanError("E109", f"{path.name}: longer than its header {shape} declares")
    dtype, count = header.get_data_dtype(), int(np.prod(shape))
    voxels = np.frombuffer(data, dtype, count, offset=wanted - count * dtype.itemsize)
    voxels = voxels.reshape(shape, order="F")
    return Volume(_scaled(voxels, header, path), _affine(header, path))


def write_nifti(
    volume: Volume, path: Path, *, description: str = "", extension: bytes | None = None
) -> None:
    """Write one volume, whole or not at all.

    The axes are stored as (w, h, d), so that the third is axial as in most files. CT whose values
    are whole numbers becomes int16, everything else float32. The same volume gives the same bytes.
    The slices are converted and compressed a few at a time, in the order in which the file holds
    them, so that voxels which are mapped from a file never come into memory whole.

    Args:
        volume: The volume; its voxels may be a memory-mapped array.
        path: A .nii or .nii.gz file.
        description: Text of the header's ``descrip`` field, at most 79 bytes.
        extension: Content of a header extension of code 6 (comment), or None.

    Raises:
        DiskError: The file cannot be written.
    """
    dtype = _compact(volume)
    header = _new_header(volume, dtype, description, extension)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        if path.name.lower().endswith(".gz"):
            # Not gzip.open: it puts the time and the temporary's name into the file.
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | _GZIP_FRAME)
            stream.write(packer.compress(header))
            for part in _slabs(volume):
                stream.write(packer.compress(part.astype(dtype).tobytes()))
            stream.write(packer.flush())
        else:
            stream.write(header)
            for part in _slabs(volume):
                stream.write(part.astype(dtype).tobytes())


def nifti_bytes(volume: Volume) -> bytes:
    """The content of a .nii file that holds a volume, for a reader that has no file.

    Whole numbers become uint8 or int16 where these hold them, everything else float32, so that
    values are exact.

    Args:
        volume: The volume.

    Returns:
        A header of 352 bytes, then the voxels in the order d, h, w.
    """
    dtype = _smallest(volume)
    header = _new_header(volume, dtype, "", None)
    content = np.empty(len(header) + volume.voxels.size * np.dtype(dtype).itemsize, np.uint8)
    content[: len(header)] = np.frombuffer(header, np.uint8)
    voxels = content[len(header) :].view(dtype).reshape(volume.shape)
    # Slice by slice, as a part that stays in the processor's cache is converted faster.
    for stored, part in zip(voxels, volume.voxels, strict=True):
        stored[...] = part
    return content.tobytes()


def _smallest(volume: Volume) -> str:
    """The smallest type that holds every voxel as it is."""
    low, high = float(volume.voxels.min()), float(volume.voxels.max())
    dtype = "|u1" if low >= 0 and high <= 255 else "<i2"
    if low < -32768 or high > 32767:
        return "<f4"
    whole = all(np.array_equal(part, np.rint(part)) for part in volume.voxels)
    return dtype if whole else "<f4"


def _new_header(volume: Volume, dtype: str, description: str, extension: bytes | None) -> bytes:
    """Everything before the voxels."""
    affine = volume.affine[:, (2, 1, 0, 3)]
    # One number seen everywhere: nibabel wants voxels, the header only their size and type.
    voxels = np.broadcast_to(np.zeros((), dtype), volume.shape[::-1])
    image: Any = nib.Nifti1Image(voxels, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header["descrip"] = description.encode()[:79]
    if extension is not None:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(6, extension))
    image.header.set_slope_inter(1, 0)
    stream = io.BytesIO()
    image.header.write_to(stream)
    return stream.getvalue()


def _slabs(volume: Volume) -> Iterator[NDArray[np.float32]]:
    """The voxels in the order d, h, w, a few slices at a time."""
    depth = max(1, _VOXELS_AT_ONCE // (volume.shape[1] * volume.shape[2]))
    for first in range(0, volume.shape[0], depth):
        yield volume.voxels[first : first + depth]


def _compact(volume: Volume) -> str:
    """Type of the file's voxels."""
    if volume.modality == "ct" and all(
        part.min() >= -32768 and part.max() <= 32767 and np.array_equal(part, np.rint(part))
        for part in _slabs(volume)
    ):
        return "<i2"
    return "<f4"


def _check_magic(start: bytes, is_gzip: bool, path: Path) -> None:
    if is_gzip and start != _GZIP_MAGIC:
        raise ScanError("E102", f"{path.name}: not a gzip file; is it a .nii or a text?")
    if not is_gzip and start == _GZIP_MAGIC:
        raise ScanError("E102", f"{path.name}: a gzip file; rename it to .nii.gz")


def _header(stream: Any, path: Path) -> Any:
    """Read the header without nibabel's own opening of files."""
    start = stream.read(4)
    if len(start) < 4:
        raise ScanError("E101", f"{path.name}: cut short within the header; copy the file again")
    kinds: dict[int, Any] = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
    kind = next((kinds[n] for n in (348, 540) if start in _both_ways(n)), None)
    if kind is None:
        raise ScanError("E102", f"{path.name}: not a NIfTI file")
    binary = start + stream.read(kind.sizeof_hdr - 4)
    if len(binary) < kind.sizeof_hdr:
        raise ScanError("E101", f"{path.name}: cut short within the header; copy the file again")
    try:
        header = kind(binary, check=False)
    except (ValueError, nib.spatialimages.HeaderDataError) as error:
        raise ScanError("E102", f"{path.name}: not a NIfTI header ({error})") from error
    if not bytes(header["magic"]).startswith((b"n+1", b"n+2")):
        raise ScanError(
            "E102", f"{path.name}: not a single-file NIfTI (Analyze or .hdr/.img); convert it"
        )
    return header


def _both_ways(number: int) -> tuple[bytes, bytes]:
    return struct.pack("<i", number), struct.pack(">i", number)


def _shape(header: Any, path: Path) -> tuple[int, int, int]:
    """The three sizes; a fourth axis of one frame is dropped."""
    dim = [int(size) for size in header["dim"]]
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise ScanError("E109", f"{path.name}: the header declares the sizes {dim}")
    sizes = dim[1 : dim[0] + 1]
    i, j, k = (*sizes, 1, 1)[:3]
    frames = int(np.prod(sizes[3:], dtype=np.float64)) if len(sizes) > 3 else 1
    if frames > 1:
        raise ScanError(
            "E104", f"{path.name}: {frames} volumes in one file; split them and choose one"
        )
    if min(i, j, k) < 2:
        raise ScanError("E104", f"{path.name}: {i} x {j} x {k} is not a volume")
    if i * j * k > MAX_VOXELS:
        raise ScanError("E107", f"{path.name}: the header declares {i} x {j} x {k} voxels")
    return i, j, k


def _declared_end(header: Any, shape: tuple[int, int, int], available: int, path: Path) -> int:
    """Where the voxels end; refused before anything of that size is allocated."""
    try:
        dtype = header.get_data_dtype()
    except (KeyError, nib.spatialimages.HeaderDataError) as error:
        raise ScanError("E109", f"{path.name}: unknown type of voxels ({error})") from error
    if dtype.kind not in "iuf":
        raise ScanError("E104", f"{path.name}: voxels are {dtype}, not one number each")
    start = float(header["vox_offset"])
    if not (header.sizeof_hdr <= start <= 2**31):
        raise ScanError("E109", f"{path.name}: the header puts the voxels at byte {start:g}")
    end = int(start) + int(np.prod(shape, dtype=np.int64)) * int(dtype.itemsize)
    is_gzip = path.name.lower().endswith(".gz")
    if end > (available if is_gzip else 1000 * available):
        i, j, k = shape
        raise ScanError(
            "E107", f"{path.name}: the header declares {i} x {j} x {k} voxels, the file is small"
        )
    if end > available:
        said = f"cut short, {available} of {end} bytes"
        raise ScanError("E101", f"{path.name}: {said}; copy the file again")
    return end


def _scaled(voxels: NDArray[Any], header: Any, path: Path) -> NDArray[np.float32]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    # NIfTI-1: a slope of 0 means that there is no scaling; some writers leave NaN for the same.
    if slope == 0 or np.isnan(slope):
        return voxels.astype(np.float32)
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        raise ScanError("E109", f"{path.name}: scaling {slope:g}, {intercept:g} is not usable")
    if (slope, intercept) == (1.0, 0.0):
        return voxels.astype(np.float32)
    return (voxels.astype(np.float64) * slope + intercept).astype(np.float32)


def _affine(header: Any, path: Path) -> NDArray[np.float64]:
    if int(header["sform_code"]) > 0:
        affine = np.array(header.get_sform(), np.float64)
    elif int(header["qform_code"]) > 0:
        try:
            affine = np.array(header.get_qform(), np.float64)
        except (ValueError, nib.spatialimages.HeaderDataError) as error:
            raise ScanError("E108", f"{path.name}: the qform is not usable ({error})") from error
    else:
        raise ScanError(
            "E108",
            f"{path.name}: no sform and no qform, so left and right are unknown; "
            "set the sform if you know them",
        )
    affine[:3] *= _TO_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    return affine

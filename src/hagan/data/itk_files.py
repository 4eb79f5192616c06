"""NRRD and MetaImage (.nrrd, .nhdr, .mha, .mhd) through SimpleITK, the extra `itk`.

ITK allocates what a header declares, takes an absent orientation for a straight one, and reads
voxels from wherever a header points to, so the header is checked here first.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hagan.data.nifti import MAX_VOXELS
from hagan.data.volume import Volume
from hagan.errors import ScanError

SUFFIXES = {".nrrd": "NrrdImageIO", ".nhdr": "NrrdImageIO"} | dict.fromkeys(
    (".mha", ".mhd"), "MetaImageIO"
)
"""Suffix and the one reader of ITK that may read it."""

_MAX_HEADER = 2**16
_MAX_INFLATION = 1032
"""The most that deflate can shrink."""

_DATA_FILE = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)\s*(\S.*?)\s*$", re.I | re.M)
_COMPRESSED = re.compile(
    rb"^(?:CompressedData\s*=\s*true|encoding:\s*(?:gzip|gz|bzip2|bz2))", re.I | re.M
)
_DIRECTED = re.compile(
    rb"^(?:space directions:|(?:TransformMatrix|Rotation|Orientation)\s*=)", re.I | re.M
)
_MAGIC = {
    "NrrdImageIO": re.compile(rb"\ANRRD\d{4}"),
    "MetaImageIO": re.compile(rb"^NDims\s*=", re.M),
}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_itk(path: Path) -> Volume:
    """Read one volume in the orientation of its file.

    Args:
        path: A .nrrd, .nhdr, .mha or .mhd file.

    Returns:
        Voxels [k, j, i], which is the order in the file; modality unknown.

    Raises:
        ScanError: E101 cut short or not to be opened, E102 not what its name says, E103 SimpleITK
            is absent, E104 not one three-dimensional volume, E107 a size that cannot be, E108 no
            orientation, E109 damaged.
    """
    try:
        sitk: Any = importlib.import_module("SimpleITK")
    except ImportError as error:
        raise ScanError(
            "E103", f"{path.name}: NRRD and MetaImage need SimpleITK: pip install 'hagan[itk]'"
        ) from error
    kind = SUFFIXES[path.suffix.lower()]
    if not _MAGIC[kind].search(_header(path)):
        raise ScanError("E102", f"{path.name}: not a file of that format")
    files = files_of_itk(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(kind)
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _check_header(reader, path, files, sitk)
        image = reader.Execute()
    except RuntimeError as error:
        raise _named(str(error), path) from error
    voxels: NDArray[np.float32] = sitk.GetArrayFromImage(image).astype(np.float32)
    return Volume(voxels, _affine(image))


def files_of_itk(path: Path) -> tuple[Path, ...]:
    """Name the files of one volume: the header, and its voxels where they are detached.

    Args:
        path: The header.

    Returns:
        One or two files.

    Raises:
        ScanError: E101 not to be opened or the voxels are not there, E104 voxels in several files.
    """
    header = _header(path)
    found = _DATA_FILE.search(header)
    if found is None or found[1].upper() == b"LOCAL":
        return (path,)
    said = found[1].decode("utf-8", "replace")
    if said.upper().startswith("LIST") or "%" in said or Path(said).name != said:
        raise ScanError("E104", f"{path.name}: voxels in {said}, not in one file beside it")
    data = path.with_name(said)
    if not data.is_file():
        raise ScanError("E101", f"{path.name}: its voxels, {said}, are not beside it")
    return path, data


def _header(path: Path) -> bytes:
    """The text at the start: up to the voxels, an empty line in NRRD and a keyword in MetaImage."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_MAX_HEADER)
    except OSError as error:
        raise ScanError("E101", f"{path.name}: {error.strerror or error}") from error
    if path.suffix.lower() in (".nrrd", ".nhdr"):
        return re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0] + b"\n"
    end = re.search(rb"^ElementDataFile\s*=.*$", start, re.I | re.M)
    return start[: end.end()] + b"\n" if end else start


def _check_header(reader: Any, path: Path, files: tuple[Path, ...], sitk: Any) -> None:
    """Refuse before anything of the declared size is allocated."""
    header = _header(path)
    shape = [int(size) for size in reader.GetSize()]
    said = " x ".join(map(str, shape))
    if len(shape) != 3 or min(shape) < 2:
        raise ScanError("E104", f"{path.name}: {said} is not a volume")
    if reader.GetNumberOfComponents() != 1:
        raise ScanError("E104", f"{path.name}: {reader.GetNumberOfComponents()} numbers a voxel")
    voxels = int(np.prod(shape, dtype=np.float64))
    if voxels > MAX_VOXELS:
        raise ScanError("E107", f"{path.name}: the header declares {said} voxels")
    if not _DIRECTED.search(header):
        raise ScanError("E108", f"{path.name}: no directions, so left and right are unknown")
    size = files[-1].stat().st_size - (len(header) if len(files) == 1 else 0)
    needed = voxels * _bytes_of(sitk.GetPixelIDValueAsString(reader.GetPixelID()))
    if _COMPRESSED.search(header):
        if needed > size * _MAX_INFLATION:
            raise ScanError("E107", f"{path.name}: {said} voxels declared, the file is small")
    elif needed > 1000 * size:
        raise ScanError("E107", f"{path.name}: {said} voxels declared, the file is small")
    elif needed > size:
        raise ScanError("E101", f"{path.name}: cut short, {size} of {needed} bytes")


def _bytes_of(kind: str) -> int:
    """From ITK's words, such as `16-bit signed integer`."""
    bits = re.match(r"(\d+)-bit", kind)
    return int(bits[1]) // 8 if bits else 1


def _affine(image: Any) -> NDArray[np.float64]:
    """Index (k, j, i) to RAS millimetres; ITK's world is LPS and its index (i, j, k)."""
    affine = np.eye(4)
    directions = np.array(image.GetDirection(), np.float64).reshape(3, 3)
    affine[:3, :3] = (directions * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ affine


def _named(text: str, path: Path) -> ScanError:
    """Put what ITK says, which is several lines long, into one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = re.sub(r"^.*?\):\s*", "", lines[-1] if lines else "").replace(str(path), path.name)
    return ScanError("E109", f"{path.name}: damaged or cut short ({said[:120]})")

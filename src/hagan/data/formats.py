"""Which reader and writer goes with which suffix, and the checks that every scan must pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hagan.config.data import ReadConfig
from hagan.data.dicom import REFUSE, read_series
from hagan.data.dicom_files import is_multi_frame
from hagan.data.dicom_series import find_series
from hagan.data.itk_files import SUFFIXES as ITK_SUFFIXES
from hagan.data.itk_files import files_of_itk, read_itk
from hagan.data.mgz import read_mgz
from hagan.data.nifti import read_nifti, write_nifti
from hagan.data.npy import read_npy, write_npy
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume
from hagan.errors import ScanError, UsageError

READERS: dict[str, Callable[[Path], Volume]] = {
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".mgz": read_mgz,
    ".mgh": read_mgz,
    ".npy": read_npy,
    **dict.fromkeys(ITK_SUFFIXES, read_itk),
}
"""One file, one scan; the axes are those of the file."""

WRITERS: dict[str, Callable[[Volume, Path], None]] = {
    ".nii": write_nifti,
    ".nii.gz": write_nifti,
    ".npy": write_npy,
}

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
KNOWN = "hagan reads .nii, .nii.gz, .mgz, .mgh, .nrrd, .mha, .npy and folders of DICOM slices"

SMALLEST_SPACING_MM, LARGEST_SPACING_MM = 0.01, 50.0
LARGEST_SHEAR = 0.02
"""Cosine between two axes; about one degree, above the rounding in headers."""


def suffix_of(path: Path) -> str:
    """Name the format of a file: the last suffix, or the last two where the last is .gz.

    Args:
        path: A file.

    Returns:
        Lower case, such as ``.nii.gz``; empty when there is none.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] == ".gz":
        return suffixes[-2] + suffixes[-1]
    return suffixes[-1] if suffixes else ""


def stem_of(path: Path) -> str:
    """Name a file without its format.

    Args:
        path: A file or a folder of slices.

    Returns:
        The name without a suffix that stands for a format; folders keep their dots.
    """
    suffix = suffix_of(path)
    known = suffix in READERS or suffix in DICOM_SUFFIXES
    return path.name[: -len(suffix)] if known else path.name


def files_of(path: Path) -> tuple[Path, ...]:
    """Name the files of one scan that is no folder.

    Args:
        path: The file.

    Returns:
        The file itself, and the file of its voxels where a format keeps them apart.

    Raises:
        ScanError: The voxels are not there.
    """
    return files_of_itk(path) if suffix_of(path) in (".nhdr", ".mhd") else (path,)


def read_scan(path: Path) -> Volume:
    """Read one scan: a file, or a folder with the slices of one DICOM series.

    Args:
        path: The file or folder.

    Returns:
        Voxels in canonical orientation (S, P, L), affine true.

    Raises:
        ScanError: The scan cannot be read rightly; see ``errors.FAULTS``.
    """
    return to_canonical(read_as_stored(path))


def read_as_stored(
    path: Path, slices: Sequence[Path] | None = None, reading: ReadConfig = REFUSE
) -> Volume:
    """Read and check one scan, with its axes in the order of the file.

    Args:
        path: The file or folder.
        slices: The DICOM slices of the scan when they are known; the folder then only names it.
        reading: What may be mended.

    Returns:
        The volume.

    Raises:
        ScanError: The scan cannot be read rightly.
    """
    if slices:
        volume = read_series(slices, path.name, reading)
    elif path.is_dir():
        volume = read_series(_only_series(path), path.name, reading)
    elif suffix_of(path) in READERS:
        volume = READERS[suffix_of(path)](path)
    elif suffix_of(path) in DICOM_SUFFIXES:
        if not is_multi_frame(path):
            raise ScanError("E104", f"{path.name}: one slice; give the folder of the series")
        volume = read_series([path], path.name, reading)
    else:
        raise ScanError("E103", f"{path.name}: unknown format; {KNOWN}")
    _check(volume, path.name)
    return volume


def write_scan(volume: Volume, path: Path) -> None:
    """Write one volume in the format that the name asks for.

    Args:
        volume: The volume.
        path: A file that ends in .nii, .nii.gz or .npy.

    Raises:
        UsageError: No writer for that suffix.
        DiskError: The file cannot be written.
    """
    suffix = suffix_of(path)
    if suffix not in WRITERS:
        raise UsageError(f"cannot write {path.name}; choose one of {', '.join(WRITERS)}")
    WRITERS[suffix](volume, path)


def _only_series(folder: Path) -> tuple[Path, ...]:
    try:
        files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    except OSError as error:
        raise ScanError("E101", f"{folder.name}: {error.strerror or error}") from error
    series, unreadable = find_series(path for path in files if path.name != "DICOMDIR")
    scans = [item for item in series if item.is_scan] or series
    if not scans:
        raise next(
            iter(unreadable.values()),
            ScanError("E110", f"{folder.name}: no DICOM slice in the folder"),
        )
    if len(scans) > 1:
        raise ScanError(
            "E111", f"{folder.name}: {len(scans)} series in the folder; give each its own"
        )
    return scans[0].files


def _check(volume: Volume, name: str) -> None:
    """What no protocol can mend: an affine without meaning, voxels without content."""
    affine = volume.affine
    directions = affine[:3, :3]
    if not np.isfinite(affine).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
        raise ScanError("E108", f"{name}: the affine holds values that are not usable")
    spacing = np.linalg.norm(directions, axis=0)
    if not all(SMALLEST_SPACING_MM <= size <= LARGEST_SPACING_MM for size in spacing):
        said = " x ".join(f"{size:.4g}" for size in spacing)
        raise ScanError("E108", f"{name}: voxels of {said} mm are not credible; mend the header")
    cosines = (directions / spacing).T @ (directions / spacing) - np.eye(3)
    if np.abs(cosines).max() > LARGEST_SHEAR:
        angle = np.degrees(np.arcsin(min(1.0, float(np.abs(cosines).max()))))
        raise ScanError(
            "E108", f"{name}: axes are {angle:.1f} degrees off square; resample to a square grid"
        )
    if not np.isfinite(volume.voxels).all():
        count = int((~np.isfinite(volume.voxels)).sum())
        raise ScanError("E105", f"{name}: {count} of the voxels NaN or infinite; mend them first")
    low, high = float(volume.voxels.min()), float(volume.voxels.max())
    if low == high:
        raise ScanError("E106", f"{name}: every voxel is {low:g}")

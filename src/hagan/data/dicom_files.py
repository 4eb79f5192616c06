"""Single DICOM files: which they are, how they are opened, and what pydicom raises on damage."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from hagan.data.volume import Modality
from hagan.errors import ScanError

DAMAGED = (
    InvalidDicomError,
    BytesLengthException,
    AttributeError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What pydicom 3 and pylibjpeg were seen to raise on damaged files."""

MODALITIES: dict[str, Modality] = {
    CTImageStorage: "ct",
    EnhancedCTImageStorage: "ct",
    LegacyConvertedEnhancedCTImageStorage: "ct",
    MRImageStorage: "mr",
    EnhancedMRImageStorage: "mr",
    LegacyConvertedEnhancedMRImageStorage: "mr",
}
"""Classes of objects that are read, and what they show."""

MULTI_FRAME = frozenset(MODALITIES) - {CTImageStorage, MRImageStorage}
"""Classes that hold a stack in one object."""


def looks_like_dicom(path: Path) -> bool:
    """Tell from the content whether a file is DICOM, with or without its preamble.

    Args:
        path: The file.

    Returns:
        True for DICOM.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        start = stream.read(132)
    if start[128:] == b"DICM":
        return True
    # Without a preamble a data set starts at its group 0002 or 0008, little endian.
    return start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\0"


def read_dataset(path: Path, tags: list[str] | None = None) -> Any:
    """Read one data set.

    Args:
        path: One DICOM file.
        tags: Keywords of the elements to read; None reads everything, pixels too.

    Returns:
        The data set.

    Raises:
        ScanError: E101 it cannot be opened, E109 damaged.
    """
    try:
        with damage_named(path.name):
            return pydicom.dcmread(
                path, force=True, stop_before_pixels=tags is not None, specific_tags=tags
            )
    except OSError as error:
        raise ScanError("E101", f"{path.name}: {error.strerror or error}") from error


def is_multi_frame(path: Path) -> bool:
    """Tell whether one file holds a stack of slices.

    Args:
        path: One DICOM file.

    Returns:
        True for enhanced CT and MR objects.

    Raises:
        ScanError: The file cannot be read.
    """
    header = read_dataset(path, tags=["SOPClassUID"])
    with damage_named(path.name):
        return str(header.get("SOPClassUID", "")) in MULTI_FRAME


@contextmanager
def damage_named(where: str) -> Iterator[None]:
    """Turn what pydicom raises on damage into one error, and silence its warnings of odd values.

    pydicom parses an element only when it is asked for, so any access may find damage.

    Args:
        where: The scan and the file, for the error text.

    Yields:
        Nothing.

    Raises:
        ScanError: E109.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DAMAGED as error:
        raise ScanError("E109", f"{where}: damaged DICOM ({_short(error)})") from error


def identity_of(path: Path) -> dict[str, str]:
    """Read the elements of a slice that may name its patient.

    Args:
        path: One DICOM file.

    Returns:
        Keyword and value of the elements that are filled.

    Raises:
        ScanError: The file cannot be read.
    """
    tags = ["PatientName", "PatientBirthDate", "PatientAddress", "OtherPatientIDs", "PatientID"]
    header = read_dataset(path, tags=tags)
    with damage_named(path.name):
        return {tag: str(header.get(tag)) for tag in tags if header.get(tag)}


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]

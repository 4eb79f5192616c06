"""A read-only look at a folder of scans: geometry, units, faults, copies and names of people."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from hagan.data.dicom_files import identity_of
from hagan.data.protocols import check_hounsfield
from hagan.data.scans import Scan, find_scans
from hagan.data.volume import Volume
from hagan.errors import ScanError

WARNINGS: dict[str, str] = {
    "W201": "a name looks like a date",
    "W202": "a name holds a long number",
    "W203": "DICOM elements name a person",
    "W204": "the voxels are those of another scan",
    "W205": "the scan lies oblique to the body's axes",
}
"""What does not stop a scan from being prepared but should be known; and what each means."""

_OBLIQUE_DEGREES = 1.0
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"(?<!\d)(?:{_YEAR}([-_.]?){_MONTH}\1{_DAY}|{_DAY}([-_.]?){_MONTH}\2{_YEAR})(?!\d)"
)
_LONG_NUMBER = re.compile(r"\d{7,}")
_PERSON = re.compile(r"^[^\W\d_]{2,}\^[^\W\d_]", re.UNICODE)


@dataclass(frozen=True)
class ScanRow:
    """What was seen of one scan.

    Attributes:
        scan: Its name.
        subject: Who was scanned, by the names.
        shape: Voxels along the axes of the file; None for a scan that cannot be read.
        spacing: Voxel size along the same axes, mm.
        orientation: Where those axes grow to, such as ``LPS``.
        modality: CT, MR or unknown.
        low: Lowest intensity.
        high: Highest intensity.
        code: Fault, such as ``E112``; empty for a good scan.
        message: The fault in one line.
        warnings: What else should be known, each with its code.
    """

    scan: str
    subject: str
    shape: tuple[int, int, int] | None = None
    spacing: tuple[float, float, float] | None = None
    orientation: str = ""
    modality: str = ""
    low: float | None = None
    high: float | None = None
    code: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


def check_scans(
    scans: Path,
    match: str | None = None,
    on_progress: Callable[[ScanRow], None] | None = None,
) -> list[ScanRow]:
    """Look at every scan of a folder; nothing is written.

    Args:
        scans: Folder with scans, searched recursively, or one scan.
        match: Pattern of the names of the scans to look at; None takes all.
        on_progress: Called with each row as it comes.

    Returns:
        One row a scan, by name.

    Raises:
        BadInputError: There is no scan.
    """
    seen: dict[str, str] = {}
    rows = []
    for scan in find_scans(scans, match):
        row = _look(scan, seen)
        rows.append(row)
        if on_progress is not None:
            on_progress(row)
    return rows


def identifying(name: str) -> list[str]:
    """Find what a name may tell of a person.

    Args:
        name: A path below the folder of scans.

    Returns:
        Warnings, each with its code; empty for a name that looks like a pseudonym.
    """
    found = []
    if _DATE.search(name):
        found.append(f"W201 {name}: looks like a date; is it a birthday?")
    elif _LONG_NUMBER.search(name):
        found.append(f"W202 {name}: a long number; is it a record number?")
    return found


def _look(scan: Scan, seen: dict[str, str]) -> ScanRow:
    row = ScanRow(scan.name, scan.subject, warnings=tuple(identifying(scan.name)))
    if scan.fault is not None:
        return dataclasses.replace(row, code=scan.fault.code, message=scan.fault.message)
    try:
        volume = scan.read_as_stored()
    except ScanError as error:
        return dataclasses.replace(row, code=error.code, message=str(error))
    warnings = [*row.warnings, *_people(scan), *_obliqueness(scan, volume)]
    digest = hashlib.sha256(volume.voxels.tobytes()).hexdigest()
    twin = seen.setdefault(digest, scan.name)
    if twin != scan.name:
        warnings.append(f"W204 {scan.name}: the same voxels as {twin}")
    row = dataclasses.replace(
        row,
        shape=volume.shape,
        spacing=volume.spacing,
        orientation="".join(nib.aff2axcodes(volume.affine)),  # type: ignore[no-untyped-call]
        modality=volume.modality,
        low=float(volume.voxels.min()),
        high=float(volume.voxels.max()),
        warnings=tuple(warnings),
    )
    if volume.modality == "ct":
        try:
            check_hounsfield(volume.voxels, scan.name)
        except ScanError as error:
            return dataclasses.replace(row, code=error.code, message=str(error))
    return row


def _people(scan: Scan) -> list[str]:
    if not scan.slices:
        return []
    identity = identity_of(scan.slices[0])
    told = [
        tag
        for tag in ("PatientBirthDate", "PatientAddress", "OtherPatientIDs")
        if identity.get(tag)
    ]
    # FAMILY^GIVEN, both of letters, is how DICOM writes a person; pseudonyms hold digits.
    if _PERSON.match(identity.get("PatientName", "")):
        told.insert(0, "PatientName")
    return [f"W203 {scan.name}: {', '.join(told)} filled in; de-identify"] if told else []


def _obliqueness(scan: Scan, volume: Volume) -> list[str]:
    directions = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    angle = float(np.degrees(np.arccos(np.clip(np.abs(directions).max(axis=0).min(), -1, 1))))
    if angle < _OBLIQUE_DEGREES:
        return []
    return [f"W205 {scan.name}: {angle:.0f} degrees off the body's axes; kept so"]

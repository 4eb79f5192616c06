"""Finding the scans in a folder, naming their subjects, and matching masks to them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from hagan.config.data import ReadConfig
from hagan.data.dicom import REFUSE
from hagan.data.dicom_files import looks_like_dicom
from hagan.data.dicom_series import Series, find_series
from hagan.data.formats import (
    DICOM_SUFFIXES,
    KNOWN,
    READERS,
    files_of,
    read_as_stored,
    stem_of,
    suffix_of,
)
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume
from hagan.errors import BadInputError, ScanError

_BESIDE_SCANS = re.compile(
    r"\.(csv|tsv|txt|z?raw|raw\.gz|json|md|rst|html?|pdf|xml|ya?ml|log|bvals?|bvecs?|png|jpe?g|xlsx|zip|sh|py|"
    r"sha256|md5)$",
    re.IGNORECASE,
)
"""What lies beside scans in most collections; not worth a line."""

_NO_SCAN_NAMES = frozenset(("DICOMDIR", "README", "LICENSE", "LICENCE", "CHANGES", "VERSION"))
_NAMED_LIKE_A_SCAN = re.compile(r"\.(nii|mgz|mgh|dcm|npy|nrrd|nhdr|mha|mhd)(\.|$)", re.IGNORECASE)
_BIDS_BESIDE = ("derivatives", "sourcedata", "code", "stimuli")
"""Folders of a BIDS data set that hold no raw scan."""

_BIDS_SUBJECT = re.compile(r"(?:^|[_/])(sub-[A-Za-z0-9]+)(?=$|[_/.])")


class Fault(NamedTuple):
    """Why a scan is refused before it is read: a code and one line."""

    code: str
    message: str


@dataclass(frozen=True)
class Scan:
    """One scan that was found.

    Attributes:
        name: Its path below the folder that was searched, with forward slashes.
        path: The file, or the folder of its slices.
        slices: The DICOM slices; empty for other formats.
        subject: Who was scanned, by the names alone.
        fault: Why it cannot be used, or None.
    """

    name: str
    path: Path
    slices: tuple[Path, ...] = ()
    subject: str = ""
    fault: Fault | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the scan.

        Raises:
            ScanError: A part of it is not there.
        """
        return self.slices or files_of(self.path)

    def names(self) -> list[str]:
        """Names that a table or a mask may use: the scan's own, then its folders outwards."""
        parents = self.name.split("/")[:-1]
        return [stem_of(self.path), *reversed(parents)]

    def read_as_stored(self, reading: ReadConfig = REFUSE) -> Volume:
        """Read the scan with its axes in the order of the file.

        Args:
            reading: What may be mended.

        Raises:
            ScanError: It cannot be read rightly.
        """
        return read_as_stored(self.path, self.slices, reading)

    def read(self, reading: ReadConfig = REFUSE) -> Volume:
        """Read the scan in canonical orientation.

        Args:
            reading: What may be mended.

        Raises:
            ScanError: It cannot be read rightly.
        """
        return to_canonical(self.read_as_stored(reading))


def find_scans(root: Path, match: str | None = None) -> list[Scan]:
    """Find every scan in a folder and the folders below it.

    Files that usually lie beside scans (tables, texts, pictures) and hidden files are passed over;
    any other file that is not a scan, and every empty folder, is returned with its fault. Of a
    BIDS data set the raw scans count, not its `derivatives` and `sourcedata`.

    Args:
        root: A folder, or one file.
        match: Pattern of the names to keep, such as ``*_T1w*``; of a name below ``root`` where it
            holds a slash, else of its last part.

    Returns:
        The scans by name; subjects follow BIDS (``sub-...``), else the name of the file or folder
        where no other scan shares it, else the outermost folder below ``root``.

    Raises:
        BadInputError: There is nothing at all, or nothing that matches.
    """
    found = _find_all(root)
    if match is None:
        return found
    kept = [scan for scan in found if fnmatchcase(_matched_part(scan.name, match), match)]
    if not kept:
        raise BadInputError(
            f"none of the {len(found)} scans of {root} matches {match!r}; the first is "
            f"{found[0].name}"
        )
    return kept


def _matched_part(name: str, match: str) -> str:
    return name if "/" in match else name.rsplit("/", 1)[-1]


def _find_all(root: Path) -> list[Scan]:
    if not root.exists():
        raise BadInputError(f"{root} does not exist")
    if root.is_file():
        return _with_subjects([Scan(root.name, root)])
    scans: list[Scan] = []
    slices: list[Path] = []
    for folder, files in _walk(root, scans):
        if not files and not any(item.name[0] != "." for item in folder.iterdir()):
            scans.append(_faulty(root, folder, "E110", "an empty folder"))
        for path in files:
            _sort_file(root, path, scans, slices)
    scans.extend(_dicom_scans(root, slices))
    is_empty = [scan.path for scan in scans if scan.fault and scan.fault.code == "E110"] == [root]
    if not scans or is_empty:
        raise BadInputError(f"{root} holds no scan; {KNOWN}")
    return _with_subjects(sorted(scans, key=lambda scan: scan.name))


def _walk(root: Path, scans: list[Scan]) -> Iterator[tuple[Path, list[Path]]]:
    """Visit folders once each, through symbolic links too, and note those that cannot be opened."""

    def note(error: OSError) -> None:
        text = error.strerror or str(error)
        scans.append(_faulty(root, Path(error.filename), "E101", text))

    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=note):
        passed = _BIDS_BESIDE if "dataset_description.json" in files else ()
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in passed)
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield Path(folder), [Path(folder, name) for name in sorted(files) if name[0] != "."]


def _sort_file(root: Path, path: Path, scans: list[Scan], slices: list[Path]) -> None:
    """Put a file with the scans or with the slices, or pass it over."""
    suffix = suffix_of(path)
    if suffix in READERS:
        scans.append(Scan(_name(root, path), path))
        return
    like_a_scan = _NAMED_LIKE_A_SCAN.search(path.name) is not None
    if path.name.upper() in _NO_SCAN_NAMES or (_BESIDE_SCANS.search(path.name) and not like_a_scan):
        return
    try:
        is_dicom = looks_like_dicom(path)
    except OSError as error:
        scans.append(_faulty(root, path, "E101", error.strerror or str(error)))
        return
    if is_dicom or suffix in DICOM_SUFFIXES:
        slices.append(path)
    else:
        scans.append(_faulty(root, path, "E103", f"unknown format; {KNOWN}"))


def _dicom_scans(root: Path, slices: Sequence[Path]) -> Iterator[Scan]:
    """Make one scan of each series; a slice that cannot be read spoils the series beside it."""
    not_dicom = {path for path in slices if not looks_like_dicom(path)}
    series, unreadable = find_series(path for path in slices if path not in not_dicom)
    for path in not_dicom:
        unreadable[path] = ScanError("E102", f"{path.name}: not a DICOM file")
    studies = {item.study for item in series if item.is_scan}
    series = [item for item in series if item.is_scan or item.study not in studies]
    homes = Counter(_home(item) for item in series)
    told = set()
    for item in series:
        home = _home(item)
        name = _name(root, home)
        if homes[home] > 1:
            name += f"/series-{item.number or item.uid[-8:]}"
        bad = [path for path in unreadable if path.parent in {file.parent for file in item.files}]
        told.update(bad)
        fault = None
        if bad:
            code, said = unreadable[bad[0]].code, str(unreadable[bad[0]])[5:]
            fault = Fault(code, f"{code} {name}: {said}; its slice is missing")
        yield Scan(name, home, item.files, fault=fault)
    for path in sorted(unreadable.keys() - told):
        error = unreadable[path]
        yield Scan(_name(root, path), path, fault=Fault(error.code, str(error)))


def _home(series: Series) -> Path:
    """The innermost folder that holds every slice."""
    return Path(os.path.commonpath([path.parent for path in series.files]))


def _name(root: Path, path: Path) -> str:
    return root.resolve().name if path == root else path.relative_to(root).as_posix()


def _faulty(root: Path, path: Path, code: str, text: str) -> Scan:
    name = _name(root, path)
    return Scan(name, path, fault=Fault(code, f"{code} {name}: {text}"))


def _with_subjects(scans: Sequence[Scan]) -> list[Scan]:
    stems = Counter(stem_of(scan.path) for scan in scans)
    named = []
    for scan in scans:
        bids = _BIDS_SUBJECT.search(scan.name)
        stem = stem_of(scan.path)
        if bids:
            subject = bids[1]
        elif stems[stem] == 1:
            subject = stem
        else:
            subject = scan.name.split("/")[0]
        named.append(Scan(scan.name, scan.path, scan.slices, subject, scan.fault))
    return named

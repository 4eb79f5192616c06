"""Finding the scans in a folder, naming their subjects, and matching masks to them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hagan.data.dicom_files import looks_like_dicom
from hagan.data.dicom_series import Series, find_series
from hagan.data.formats import DICOM_SUFFIXES, KNOWN, READERS, read_as_stored, stem_of, suffix_of
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume
from hagan.errors import BadInputError, ScanError

_BESIDE_SCANS = re.compile(
    r"\.(csv|tsv|txt|json|md|rst|html?|pdf|xml|ya?ml|log|bvals?|bvecs?|png|jpe?g|xlsx|zip|sh|py|"
    r"sha256|md5)$",
    re.IGNORECASE,
)
"""What lies beside scans in most collections; not worth a line."""

_NO_SCAN_NAMES = frozenset(("DICOMDIR", "README", "LICENSE", "LICENCE", "CHANGES", "VERSION"))
_NAMED_LIKE_A_SCAN = re.compile(r"\.(nii|mgz|mgh|dcm|npy)(\.|$)", re.IGNORECASE)
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
        """Every file of the scan."""
        return self.slices or (self.path,)

    def names(self) -> list[str]:
        """Names that a table or a mask may use: the scan's own, then its folders outwards."""
        parents = self.name.split("/")[:-1]
        return [stem_of(self.path), *reversed(parents)]

    def read_as_stored(self) -> Volume:
        """Read the scan with its axes in the order of the file.

        Raises:
            ScanError: It cannot be read rightly.
        """
        return read_as_stored(self.path, self.slices)

    def read(self) -> Volume:
        """Read the scan in canonical orientation.

        Raises:
            ScanError: It cannot be read rightly.
        """
        return to_canonical(self.read_as_stored())


def find_scans(root: Path) -> list[Scan]:
    """Find every scan in a folder and the folders below it.

    Files that usually lie beside scans (tables, texts, pictures) and hidden files are passed over;
    any other file that is not a scan, and every empty folder, is returned with its fault.

    Args:
        root: A folder, or one file.

    Returns:
        The scans by name; subjects follow BIDS (``sub-...``), else the name of the file or folder
        where no other scan shares it, else the outermost folder below ``root``.

    Raises:
        BadInputError: There is nothing at all.
    """
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


def starts_with(name: str, start: str) -> bool:
    """Tell whether a name begins with another one that ends at a boundary.

    Args:
        name: Such as ``sub-10_T1w``.
        start: Such as ``sub-10``; ``sub-1`` is no start of it, as that would cut a number.

    Returns:
        True for a start that cuts neither a number nor a word.
    """
    if not start or not name.startswith(start):
        return False
    if len(name) == len(start):
        return True
    around = name[len(start) - 1 : len(start) + 1]
    return not (around.isdigit() or around.isalpha())


def match_masks(scans: Sequence[Scan], masks: Path) -> dict[str, Scan | Fault]:
    """Give each scan its mask by the start of the file name.

    A mask belongs to the scan with the longest name that its own name starts with; a scan without
    one takes the only mask whose name starts with the scan's subject.

    Args:
        scans: The scans.
        masks: Folder of masks.

    Returns:
        By name of the scan: its mask, or the fault E121.

    Raises:
        BadInputError: The folder holds no mask.
    """
    found = [mask for mask in find_scans(masks) if mask.fault is None]
    owned: dict[str, list[Scan]] = {scan.name: [] for scan in scans}
    for mask in found:
        stem = stem_of(mask.path)
        owners = [scan for scan in scans if starts_with(stem, stem_of(scan.path))]
        longest = max((len(stem_of(scan.path)) for scan in owners), default=0)
        for scan in owners:
            if len(stem_of(scan.path)) == longest:
                owned[scan.name].append(mask)
    return {scan.name: _one_mask(scan, owned[scan.name], found, masks) for scan in scans}


def _one_mask(scan: Scan, own: Sequence[Scan], found: Sequence[Scan], masks: Path) -> Scan | Fault:
    candidates = own or [mask for mask in found if starts_with(stem_of(mask.path), scan.subject)]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        said = f"no mask in {masks} has a name that starts with {stem_of(scan.path)}"
    else:
        said = f"{candidates[0].name} and {candidates[1].name} both match; keep one"
    return Fault("E121", f"E121 {scan.name}: {said}")


def _walk(root: Path, scans: list[Scan]) -> Iterator[tuple[Path, list[Path]]]:
    """Visit folders once each, through symbolic links too, and note those that cannot be opened."""

    def note(error: OSError) -> None:
        text = error.strerror or str(error)
        scans.append(_faulty(root, Path(error.filename), "E101", text))

    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=note):
        folders[:] = sorted(name for name in folders if name[0] != ".")
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

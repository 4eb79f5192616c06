"""Which DICOM files belong together: series, the folders they are spread over, and their copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan.data.dicom_files import MODALITIES, damage_named, read_dataset
from hagan.errors import ScanError

_SERIES_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ImageType",
    "Rows",
]


@dataclass(frozen=True)
class Series:
    """The files of one series.

    Attributes:
        uid: SeriesInstanceUID.
        number: SeriesNumber, or an empty text.
        study: StudyInstanceUID.
        is_scan: Whether it is CT or MR, and not dose reports, overlays or secondary captures.
        files: One a slice, by name.
    """

    uid: str
    number: str
    study: str
    is_scan: bool
    files: tuple[Path, ...]


def find_series(files: Iterable[Path]) -> tuple[list[Series], dict[Path, ScanError]]:
    """Group files by series; localizers and objects without pixels are left out.

    Args:
        files: DICOM files in any order.

    Returns:
        The series in the order of their first file, and the files that cannot be read.
    """
    groups: _Groups = {}
    unreadable = {}
    for path in sorted(files):
        try:
            header = _Header.of(read_dataset(path, tags=_SERIES_TAGS), path)
        except ScanError as error:
            unreadable[path] = error
            continue
        if header.has_pixels and not header.is_localizer:
            groups.setdefault((header.series, path.parent), []).append((path, header))
    series = []
    for (uid, _), members in _joined(groups):
        first = members[0][1]
        is_scan = any(header.kind in MODALITIES for _, header in members)
        files_of = tuple(path for path, _ in members)
        series.append(Series(uid, first.number, first.study, is_scan, files_of))
    return series, unreadable


@dataclass(frozen=True)
class _Header:
    """What is needed of a slice to put it with its series."""

    kind: str
    instance: str
    study: str
    series: str
    number: str
    is_localizer: bool
    has_pixels: bool

    @classmethod
    def of(cls, dataset: Any, path: Path) -> _Header:
        with damage_named(path.name):
            kind = str(dataset.get("SOPClassUID") or "")
            has_pixels = bool(dataset.get("Rows"))
            if not kind or (kind in MODALITIES and not has_pixels):
                raise ScanError("E101", f"{path.name}: cut short within the header")
            image_type = dataset.get("ImageType") or ()
            parts = (image_type,) if isinstance(image_type, str) else image_type
            return cls(
                kind=kind,
                instance=str(dataset.get("SOPInstanceUID") or ""),
                study=str(dataset.get("StudyInstanceUID") or ""),
                series=str(dataset.get("SeriesInstanceUID") or ""),
                number=str(dataset.get("SeriesNumber") or ""),
                is_localizer="LOCALIZER" in [str(part).upper() for part in parts],
                has_pixels=has_pixels,
            )


_Groups = dict[tuple[str, Path], list[tuple[Path, _Header]]]


def _joined(groups: _Groups) -> list[tuple[tuple[str, Path], list[tuple[Path, _Header]]]]:
    """Join the folders over which an export spread one series; copies of a series stay apart."""
    joined: _Groups = {}
    for (uid, folder), members in groups.items():
        instances = {header.instance for _, header in members}
        for (other_uid, other_folder), others in joined.items():
            is_near = folder.parent == other_folder.parent or folder.is_relative_to(other_folder)
            if uid == other_uid and is_near:
                known = {header.instance for _, header in others}
                if known.isdisjoint(instances):
                    others.extend(members)
                    break
        else:
            joined[uid, folder] = list(members)
    return list(joined.items())

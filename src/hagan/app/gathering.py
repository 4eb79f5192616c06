"""Folders of volumes: a store, what a model made, and scans in any format that hagan reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.app.found import Collection, FoundVolume, Provenance
from hagan.app.root import Root
from hagan.data.dicom_files import looks_like_dicom
from hagan.data.dicom_series import find_series
from hagan.data.formats import DICOM_SUFFIXES, READERS, read_as_stored, stem_of, suffix_of
from hagan.data.index import INDEX
from hagan.data.placement import Placement
from hagan.data.store import Store, StoreEntry
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume
from hagan.errors import HaganError, ScanError
from hagan.inference.export import MANIFEST, REBUILT, Manifest, Row, read_manifest


def stored(root: Root, folder: Path) -> Collection:
    """A store's scans, in the units of their sources; a damaged index is the collection's fault."""
    name = root.name_of(folder)
    key = root.id_of("collection", name)
    try:
        root.checked(folder / INDEX)
        store = Store.open(folder)
    except HaganError as error:
        return Collection(key, name, "store", fault=str(error))
    return Collection(
        key, name, "store", tuple(_stored(root, store, entry) for entry in store.entries)
    )


def generated(root: Root, folder: Path) -> Collection:
    """What a model made, with what the manifest tells of each volume."""
    name = root.name_of(folder)
    key = root.id_of("collection", name)
    try:
        root.checked(folder / MANIFEST)
        manifest = read_manifest(folder)
    except HaganError as error:
        return Collection(key, name, "generated", fault=str(error))
    assert manifest is not None, "the folder was chosen for its manifest"
    kind = "rebuilt" if manifest.kind == REBUILT else "generated"
    volumes = []
    for path in sorted(folder.iterdir()):
        row = manifest.row_of(path.name)
        if row is None and (suffix_of(path) not in READERS or path.name[0] == "."):
            continue
        provenance = _provenance(path, manifest, row)
        volumes.append(_scan(root, path, provenance, "" if row is None else _told(row)))
    return Collection(key, name, kind, tuple(volumes))


def scans(root: Root, folder: Path, files: Sequence[Path], *, every: bool = False) -> Collection:
    """The scans among a folder's files; slices of DICOM are one scan, which is the folder.

    Args:
        root: What is served.
        folder: The folder.
        files: Its files that may be looked at.
        every: Take each file for a scan, so that one which is none is shown with its error.
    """
    name = root.name_of(folder)
    volumes = [_scan(root, path, "scan", "") for path in files if every or _is_scan(path, files)]
    if not every and any(_is_slice(path) for path in files):
        volumes.append(_scan(root, folder, "scan", "DICOM"))
    return Collection(root.id_of("collection", name), name, "scans", tuple(volumes))


def read_inside(root: Root, path: Path) -> Volume:
    """A scan in canonical orientation, none of whose files lies behind a link that leaves the root.

    Raises:
        ScanError: It cannot be read rightly.
        UnsafeFileError: A link leaves the root.
    """
    root.checked(path)
    if not path.is_dir():
        if suffix_of(path) == ".npy":
            root.checked(path.with_suffix(".json"))
        return to_canonical(read_as_stored(path))
    # Not the reader's own search, which follows links.
    slices = [item for item in sorted(path.iterdir()) if item.is_file() and item.name[0] != "."]
    slices = [root.checked(item) for item in slices if _is_slice(item)]
    series, unreadable = find_series(slices)
    images = [item for item in series if item.is_scan] or series
    if not images:
        none = ScanError("E110", f"{path.name}: no DICOM slice in the folder")
        raise next(iter(unreadable.values()), none)
    if len(images) > 1:
        said = f"{len(images)} series in the folder; give each its own"
        raise ScanError("E111", f"{path.name}: {said}")
    return to_canonical(read_as_stored(path, images[0].files))


def _is_scan(path: Path, files: Sequence[Path]) -> bool:
    """Whether a file is a scan by its name; an array without its geometry may be anything."""
    suffix = suffix_of(path)
    return suffix in READERS and (suffix != ".npy" or path.with_suffix(".json") in files)


def _is_slice(path: Path) -> bool:
    if suffix_of(path) in DICOM_SUFFIXES:
        return True
    if path.suffix and not path.suffix[1:].isdigit():
        return False
    try:
        return path.name != "DICOMDIR" and looks_like_dicom(path)
    except OSError:
        return False


def _scan(root: Root, path: Path, provenance: Provenance, note: str) -> FoundVolume:
    return FoundVolume(
        root.id_of("volume", str(path)),
        stem_of(path),
        provenance,
        note,
        read=lambda: read_inside(root, path),
        version=_version_of(path),
    )


def _stored(root: Root, store: Store, entry: StoreEntry) -> FoundVolume:
    path = store.path / entry.file

    def read() -> Volume:
        root.checked(path)
        return in_source_units(store.load(entry), entry)

    note = "" if entry.label is None else store.class_names[entry.label]
    return FoundVolume(
        root.id_of("volume", str(path)),
        f"{entry.id} {stem_of(Path(entry.source))}",
        "real",
        note,
        read=read,
        version=_version_of(path),
    )


def in_source_units(array: NDArray[np.float32], where: Placement) -> Volume:
    """A store's intensities [d, h, w] in [-1, 1] as a volume in the units of its source.

    CT is rounded to whole HU, as scanners store it.
    """
    voxels = where.window.unwindow(array)
    if where.modality == "ct":
        voxels = np.rint(voxels)
    return Volume(voxels, np.array(where.affine), where.modality)


def _version_of(path: Path) -> Callable[[], str]:
    def version() -> str:
        try:
            found = path.stat()
        except OSError:
            return "gone"
        return f"{found.st_mtime_ns}-{found.st_size}"

    return version


def _provenance(path: Path, manifest: Manifest, row: Row | None) -> Provenance:
    if manifest.kind != REBUILT:
        return "fake"
    # Beside a reconstruction lies the scan as it was prepared, which no row names.
    return "rebuilt" if row is not None else "real"


def _told(row: Row) -> str:
    if row.target is not None:
        return f"{row.target} {row.asked:.4g}" if row.asked is not None else row.target
    if row.seed is not None and row.index is not None:
        return f"seed {row.seed}, number {row.index}"
    if row.mean_absolute_error is not None:
        return f"mean absolute error {row.mean_absolute_error:.3g}"
    return ""

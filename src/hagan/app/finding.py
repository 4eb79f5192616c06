"""Walking the served folder and telling what each folder in it is."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hagan.app.found import Collection, Findings, FoundDirection, FoundReport, FoundRun
from hagan.app.gathering import generated, scans, stored
from hagan.app.root import Root
from hagan.config.run_dir import RunDir
from hagan.data.formats import READERS, suffix_of
from hagan.data.index import INDEX
from hagan.inference.export import MANIFEST

MOST_FOLDERS, MOST_FILES, DEEPEST = 2000, 100_000, 8
"""Beyond these a folder is no place of results but somebody's disk."""

OF_A_RUN = frozenset(("state", "weights", "previews", "tensorboard"))
"""Folders of a run that hold nothing to be listed on its own."""

PAGE, RESULTS = "report.html", "results.json"
_LARGEST_DIRECTION = 2**24
_PARTS_OF_A_DIRECTION = {"weights.npy", "pattern.npy", "about.npy"}


@dataclass(frozen=True)
class Folder:
    """A folder with its files, none of them behind a link that leaves the root."""

    path: Path
    files: Sequence[Path]

    def has(self, name: str) -> bool:
        """Whether it holds a file of that name."""
        return self.path / name in self.files


def find(root: Path | Root) -> Findings:
    """Tell what a folder or a file holds.

    Args:
        root: What is served.

    Returns:
        Everything in it that can be shown, by name.
    """
    root = root if isinstance(root, Root) else Root.of(root)
    if root.only is not None:
        return _only(root, root.only)
    runs: list[FoundRun] = []
    collections: list[Collection] = []
    directions: list[FoundDirection] = []
    reports: list[FoundReport] = []
    walk = Walk(root)
    for folder in walk.folders():
        runs += _runs(root, folder)
        collections += _collections(root, folder)
        directions += [
            FoundDirection(root.id_of("direction", name), name, path)
            for path in folder.files
            if is_direction(path)
            for name in [root.name_of(path)]
        ]
        if folder.has(PAGE) or folder.has(RESULTS):
            reports.append(_report(root, folder))
    return Findings(
        tuple(runs), tuple(collections), tuple(directions), tuple(reports), walk.truncated
    )


class Walk:
    """The folders below a root, each once, the outer ones first.

    Attributes:
        truncated: Whether there was more than is looked at.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        self.truncated = False

    def folders(self) -> Iterator[Folder]:
        """Visit them; links to folders are not followed, hidden ones are left out."""
        num_folders = num_files = 0
        for path, names, files in os.walk(self.root.path):
            here = Path(path)
            depth = len(here.relative_to(self.root.path).parts)
            names[:] = sorted(name for name in names if name[0] != ".")
            if _is_run(here, files):
                names[:] = [name for name in names if name not in OF_A_RUN]
            if depth >= DEEPEST and names:
                self.truncated = True
                names.clear()
            visible = [here / name for name in sorted(files) if name[0] != "."]
            num_folders, num_files = num_folders + 1, num_files + len(visible)
            if num_folders > MOST_FOLDERS or num_files > MOST_FILES:
                self.truncated = True
                return
            # Only links can leave a folder that was reached without any.
            yield Folder(here, [p for p in visible if not p.is_symlink() or self.root.holds(p)])


def is_direction(path: Path) -> bool:
    """Whether a file looks like a direction, by the names of what it holds."""
    if path.suffix != ".npz":
        return False
    try:
        if path.stat().st_size > _LARGEST_DIRECTION:
            return False
        with zipfile.ZipFile(path) as held:
            return set(held.namelist()) == _PARTS_OF_A_DIRECTION
    except (OSError, zipfile.BadZipFile):
        return False


def _is_run(path: Path, files: Sequence[str]) -> bool:
    run = RunDir(path)
    return run.config.name in files and (run.metrics.name in files or run.weights.parent.is_dir())


def _runs(root: Root, folder: Folder) -> list[FoundRun]:
    found = []
    if _is_run(folder.path, [path.name for path in folder.files]):
        found.append(folder.path)
    else:
        found += [path for path in folder.files if path.suffix == ".safetensors"]
    return [FoundRun(root.id_of("run", str(path)), root.name_of(path), path) for path in found]


def _collections(root: Root, folder: Folder) -> list[Collection]:
    if folder.has(INDEX):
        return [stored(root, folder.path)]
    if folder.has(MANIFEST):
        return [generated(root, folder.path)]
    found = scans(root, folder.path, folder.files)
    return [found] if found.volumes else []


def _report(root: Root, folder: Folder) -> FoundReport:
    name = root.name_of(folder.path)
    page, results = folder.path / PAGE, folder.path / RESULTS
    return FoundReport(
        root.id_of("report", name),
        name,
        page if folder.has(PAGE) else None,
        results if folder.has(RESULTS) else None,
    )


def _only(root: Root, path: Path) -> Findings:
    """What one file is."""
    name = path.name
    if path.suffix == ".safetensors":
        return Findings(runs=(FoundRun(root.id_of("run", str(path)), name, path),))
    if path.suffix == ".html":
        return Findings(reports=(FoundReport(root.id_of("report", name), name, path, None),))
    if path.suffix == ".json" and suffix_of(path) not in READERS:
        return Findings(reports=(FoundReport(root.id_of("report", name), name, None, path),))
    if is_direction(path):
        return Findings(directions=(FoundDirection(root.id_of("direction", name), name, path),))
    return Findings(collections=(scans(root, path.parent, [path], every=True),))

"""Folders of anybody's files as a source of volumes.

A folder is surveyed once: what cannot be judged is refused by name, and sizes and intensities are
noted, from which `grid.agree` finds the one grid and scale that all sets are judged on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hagan.data.npy import read_array
from hagan.data.placement import Window
from hagan.data.scans import Scan, find_scans
from hagan.data.volume import Modality, Volume
from hagan.errors import BadInputError, ScanError
from hagan.evaluation.sets import VolumeSet, Voxels
from hagan.evaluation.sources import Grid, Shape, Source, on_grid

LOW_QUANTILE, HIGH_QUANTILE = 0.001, 0.999
"""Of a scan's voxels: its darkest and brightest without the outliers."""

CT_BELOW = -500.0
"""Darkest intensity that only Hounsfield units reach."""


@dataclass(frozen=True)
class Surveyed:
    """A scan that can be judged, and what its voxels are like.

    Attributes:
        scan: The scan.
        shape: Voxels along d, h, w.
        spacing: Of the voxels in mm; zeros where nothing tells.
        modality: What the intensities are.
        lowest: Darkest voxel.
        highest: Brightest voxel.
        low: Quantile 0.001 of the voxels.
        high: Quantile 0.999.
    """

    scan: Scan
    shape: Shape
    spacing: tuple[float, float, float]
    modality: Modality
    lowest: float
    highest: float
    low: float
    high: float


class FolderSource(Source):
    """A folder of NIfTI, MGH, NumPy or DICOM scans, whoever made them."""

    kind = "folder"

    def __init__(self, path: Path, scans: tuple[Surveyed, ...], refused: tuple[str, ...]) -> None:
        """Take surveyed scans; `survey` makes one of a folder."""
        self.path = path
        self.scans = scans
        self.refused = refused
        bare = sum(scan.spacing == (0.0, 0.0, 0.0) for scan in scans)
        self.notes = (
            (
                f"{path}: {bare} arrays have no .json with an affine beside them; their axes were "
                "taken as d, h, w (head, back, left)",
            )
            if bare
            else ()
        )

    @classmethod
    def survey(cls, path: Path, on_progress: Callable[[], None] | None = None) -> FolderSource:
        """Read every scan of a folder once.

        Args:
            path: The folder, searched with the folders below it.
            on_progress: Called after each scan.

        Raises:
            BadInputError: No scan can be judged.
        """
        scans: list[Surveyed] = []
        refused: list[str] = []
        for scan in find_scans(path):
            try:
                scans.append(_surveyed(scan))
            except ScanError as error:
                refused.append(str(error))
            if on_progress is not None:
                on_progress()
        if not scans:
            raise BadInputError(f"{path}: none of {len(refused)} scans can be judged: {refused[0]}")
        return cls(path, tuple(scans), tuple(refused))

    @property
    def shapes(self) -> Counter[Shape]:
        """How many scans have which shape."""
        return Counter(scan.shape for scan in self.scans)

    @property
    def geometry(self) -> None:
        """Files alone do not say how their intensities are to be windowed."""
        return

    @property
    def is_ct(self) -> bool:
        """DICOM says so; NIfTI does not, but only Hounsfield units go so far below 0."""
        said = any(item.modality == "ct" for item in self.scans)
        return said or float(np.median([item.low for item in self.scans])) < CT_BELOW

    def volumes(self, name: str, grid: Grid) -> VolumeSet:
        """The scans, windowed and, where the grid says so, resampled."""
        scans = [scan for scan in self.scans if grid.resample or scan.shape == grid.shape]
        return FolderSet(name, scans, grid)


class FolderSet(VolumeSet):
    """Scans from files, read when asked for."""

    def __init__(self, name: str, scans: list[Surveyed], grid: Grid) -> None:
        self.name = name
        self.scans = scans
        self.grid = grid
        self.subjects = [item.scan.subject or item.scan.name for item in scans]
        self.shape = grid.shape

    def volume(self, index: int) -> Voxels:
        """Volume number `index`, in [-1, 1]."""
        item = self.scans[index]
        window = self.grid.window or Window(item.low, item.high)
        return on_grid(window.window(_read(item.scan).voxels), self.grid)


def count_of(path: Path) -> int:
    """How many scans `FolderSource.survey` will read, for a progress bar."""
    return len(find_scans(path))


def _surveyed(scan: Scan) -> Surveyed:
    if scan.fault is not None:
        raise ScanError(scan.fault.code, scan.fault.message.removeprefix(f"{scan.fault.code} "))
    volume = _read(scan)
    voxels = volume.voxels
    low, high = np.quantile(voxels, (LOW_QUANTILE, HIGH_QUANTILE))
    if low == high:
        raise ScanError("E106", f"{scan.name}: nearly every voxel is {low:g}")
    bare = _is_bare(scan)
    return Surveyed(
        scan=scan,
        shape=volume.shape,
        spacing=(0.0, 0.0, 0.0) if bare else volume.spacing,
        modality=volume.modality,
        lowest=float(voxels.min()),
        highest=float(voxels.max()),
        low=float(low),
        high=float(high),
    )


def _is_bare(scan: Scan) -> bool:
    """An array without a side-car, as most generators of others write them."""
    return scan.path.suffix.lower() == ".npy" and not scan.path.with_suffix(".json").is_file()


def _read(scan: Scan) -> Volume:
    """Read a scan in canonical axes.

    Raises:
        ScanError: It cannot be read rightly.
    """
    if not _is_bare(scan):
        return scan.read()
    voxels = read_array(scan.path)
    if not np.isfinite(voxels).all():
        count = int((~np.isfinite(voxels)).sum())
        raise ScanError("E105", f"{scan.name}: {count} of the voxels NaN or infinite")
    if voxels.min() == voxels.max():
        raise ScanError("E106", f"{scan.name}: every voxel is {voxels.flat[0]:g}")
    affine = np.zeros((4, 4))
    affine[(2, 1, 0, 3), (0, 1, 2, 3)] = (1, -1, -1, 1)
    return Volume(voxels, affine, "unknown")

"""Sides of a comparison before and after they are brought to one grid: stores, and what all share.

Folders of files are sources too; `folders` surveys them.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.placement import Geometry, Window
from hagan.data.store import Store, StoreEntry
from hagan.data.transforms import resize
from hagan.data.volume import Volume
from hagan.evaluation.sets import VolumeSet, Voxels

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Grid:
    """What every volume is brought to before it is judged.

    Attributes:
        shape: Voxels along d, h, w.
        window: Intensities that become -1 and 1; None takes each scan's own quantiles.
        resample: Whether files of another shape are stretched to the grid.
        nearest: Stretch by repeating the nearest voxel instead of by linear interpolation.
    """

    shape: Shape
    window: Window | None
    resample: bool = False
    nearest: bool = False


class Source(ABC):
    """One side of a comparison before it is brought to a grid.

    Attributes:
        path: Where it is.
        kind: `run`, `store` or `folder`.
        refused: Why each volume that cannot be judged was left out, one line each.
        notes: What a reader of the figures must know of this side.
    """

    path: Path
    kind: str
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    @abstractmethod
    def shapes(self) -> Counter[Shape]:
        """How many volumes have which shape."""

    @property
    @abstractmethod
    def geometry(self) -> Geometry | None:
        """What the volumes' numbers mean, where it is known."""

    @property
    def is_ct(self) -> bool:
        """Whether intensities are Hounsfield units."""
        return self.geometry is not None and self.geometry.modality == "ct"

    @abstractmethod
    def volumes(self, name: str, grid: Grid) -> VolumeSet:
        """The volumes on a grid."""


class StoreSource(Source):
    """A store, or a fold's part of it."""

    kind = "store"

    def __init__(self, store: Store, entries: tuple[StoreEntry, ...] | None = None) -> None:
        """Take all scans of a store, or some."""
        self.store = store
        self.path = store.path
        self.entries = store.entries if entries is None else entries

    @classmethod
    def folds(cls, store: Store, fold: Fold) -> tuple[StoreSource, StoreSource]:
        """The held-out and the training part of a store.

        Raises:
            BadInputError: A part is empty.
        """
        held_out = VolumeDataset(store, fold, "held-out").entries
        return cls(store, held_out), cls(store, VolumeDataset(store, fold, "train").entries)

    @property
    def shapes(self) -> Counter[Shape]:
        """All of the store's one shape."""
        return Counter({self.store.volume_shape: len(self.entries)})

    @property
    def geometry(self) -> Geometry:
        """The store's."""
        return self.store.geometry

    def volumes(self, name: str, grid: Grid) -> VolumeSet:
        """The prepared scans; they are in [-1, 1] already."""
        return StoreSet(name, self.store, self.entries, grid)


class StoreSet(VolumeSet):
    """Prepared scans."""

    def __init__(
        self, name: str, store: Store, entries: tuple[StoreEntry, ...], grid: Grid
    ) -> None:
        self.name = name
        self.store = store
        self.entries = entries
        self.grid = grid
        self.subjects = [entry.subject for entry in entries]
        self.shape = grid.shape

    def volume(self, index: int) -> Voxels:
        """Volume number `index`."""
        return on_grid(self.store.load(self.entries[index]), self.grid)


def on_grid(voxels: Voxels, grid: Grid) -> Voxels:
    """Stretch a volume to the grid's shape if it has another."""
    if voxels.shape == grid.shape:
        return voxels
    assert grid.resample, f"{voxels.shape} on a grid of {grid.shape}"
    if grid.nearest:
        # The voxel in which the new one's centre lies.
        places = [
            np.floor((np.arange(new) + 0.5) * old / new).astype(int)
            for new, old in zip(grid.shape, voxels.shape, strict=True)
        ]
        return voxels[np.ix_(*places)]
    resized = resize(Volume(voxels, np.eye(4)), grid.shape).voxels
    values: NDArray[np.float32] = np.clip(resized, -1, 1)
    return values


def halves(subjects: list[str]) -> tuple[list[int], list[int]]:
    """Split volumes in two by subject: the numbers of both halves, near to equal in size.

    Subjects go by the hash of their name, so that the split never depends on their order.
    """

    def key(subject: str) -> str:
        return hashlib.sha256(subject.encode()).hexdigest()

    by_subject: dict[str, list[int]] = {}
    for number, subject in enumerate(subjects):
        by_subject.setdefault(subject, []).append(number)
    first: list[int] = []
    second: list[int] = []
    for subject in sorted(by_subject, key=key):
        smaller = first if len(first) <= len(second) else second
        smaller.extend(by_subject[subject])
    return sorted(first), sorted(second)

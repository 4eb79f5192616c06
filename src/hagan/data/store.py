"""A store: one int16 .npy a scan, and index.json, which says what each one is.

The index is whole or not at all, and a scan counts only once it is in the index. Intensities are
in [-1, 1]; a step of int16 is 3e-5, a fortieth of a Hounsfield unit in the paper's CT window.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hagan.config.data import PrepareConfig
from hagan.data.files import atomic_path, make_folder
from hagan.data.index import INDEX as INDEX
from hagan.data.index import Index, in_order
from hagan.data.index import StoreEntry as StoreEntry
from hagan.data.placement import Geometry as Geometry
from hagan.data.placement import Window as Window
from hagan.data.placement import as_rows
from hagan.data.quantised import quantise as quantise
from hagan.data.quantised import read_voxels
from hagan.errors import BadInputError, UsageError

_STRAY = re.compile(r"\d{4,}\.npy|\.[0-9a-f]{8}-(\d{4,}\.npy|index\.json)")


def fold_of(subject: str, num_folds: int = 5) -> int:
    """Choose a subject's fold from the hash of its name alone.

    Adding scans never moves others, at the price of folds that are not quite equal in size.

    Args:
        subject: Name of the subject.
        num_folds: Number of folds.

    Returns:
        A number from 0 to ``num_folds - 1``.
    """
    return subject_hash(subject) % num_folds


def subject_hash(subject: str) -> int:
    """A number that is as good as drawn and depends on a subject's name alone."""
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big")


class Store:
    """A folder of prepared scans.

    Attributes:
        path: The folder.
        config: How every scan in it was made.
        class_names: Names of the labels, in order; empty when there are none.
        entries: The scans, in the order of their ids.
    """

    def __init__(
        self,
        path: Path,
        config: PrepareConfig,
        *,
        masked: bool = False,
        class_names: tuple[str, ...] = (),
        entries: Iterable[StoreEntry] = (),
    ) -> None:
        self.path = path
        self.config = config
        self.masked = masked
        self.class_names = class_names
        self.entries = in_order(entries)

    @classmethod
    def create(cls, path: Path, config: PrepareConfig, *, masked: bool = False) -> Store:
        """Make a store without scans, or open the one that is there if it was made the same way.

        Args:
            path: The folder.
            config: How its scans are made.
            masked: Whether a mask is applied to each scan.

        Returns:
            The store.

        Raises:
            UsageError: The folder holds a store of another configuration, or something else.
            DiskError: The folder cannot be written.
        """
        if (path / INDEX).exists():
            store = cls.open(path)
            differs = _differences(store.config, config)
            if store.masked != masked:
                differs.append(f"masks {'given' if store.masked else 'not given'}")
            if differs:
                raise UsageError(
                    f"{path} was prepared with {', '.join(differs)}; use the same or another folder"
                )
            return store
        make_folder(path)
        if any(item.suffix != ".npy" and item.name[0] != "." for item in path.iterdir()):
            raise UsageError(f"{path} holds other files; choose a new or an empty folder")
        store = cls(path, config, masked=masked)
        store._write_index()
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a store to read it.

        Args:
            path: The folder.

        Returns:
            The store.

        Raises:
            BadInputError: There is no store, or its index is damaged or of a newer hagan.
        """
        index = Index.read(path)
        return cls(
            path,
            index.config,
            masked=index.masked,
            class_names=index.class_names,
            entries=index.entries,
        )

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """Voxels along d, h, w of every volume."""
        return self.config.volume_shape

    @cached_property
    def geometry(self) -> Geometry:
        """What a model must know of the data; medians over all scans.

        Raises:
            BadInputError: The store is empty.
        """
        if not self.entries:
            raise BadInputError(f"{self.path} holds no scan; run hagan prepare on it")
        spacing = np.median([entry.spacing for entry in self.entries], axis=0)
        affine = np.zeros((4, 4))
        affine[(2, 1, 0), (0, 1, 2)] = spacing * (1, -1, -1)
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(self.volume_shape) - 1) / 2)
        affine[3, 3] = 1
        modalities = Counter(entry.modality for entry in self.entries)
        return Geometry(
            volume_shape=self.volume_shape,
            spacing=cast(tuple[float, float, float], tuple(spacing.tolist())),
            affine=as_rows(affine),
            modality=modalities.most_common(1)[0][0],
            protocol=self.config.protocol,
            window_low=float(np.median([entry.window.low for entry in self.entries])),
            window_high=float(np.median([entry.window.high for entry in self.entries])),
            class_names=self.class_names,
            isotropic=self.config.isotropic,
            field_of_view_mm=self.config.field_of_view_mm,
            fixed_window=self.config.window,
            from_head=self.config.from_head,
            crop=self.config.crop,
        )

    def load(self, entry: StoreEntry) -> NDArray[np.float32]:
        """Read one volume.

        Args:
            entry: Which one.

        Returns:
            Intensities [d, h, w] in [-1, 1].

        Raises:
            BadInputError: Its file is absent or damaged.
        """
        volume = np.empty(self.volume_shape, np.float32)
        self.load_into(entry, volume)
        return volume

    def load_into(
        self,
        entry: StoreEntry,
        out: NDArray[np.float32] | NDArray[np.int16],
        *,
        mirrored: bool = False,
    ) -> None:
        """Read one volume to where it is wanted.

        Args:
            entry: Which one.
            out: Where to [d, h, w]: float32 for intensities in [-1, 1], int16 for what is stored.
            mirrored: Swap left and right.

        Raises:
            BadInputError: Its file is absent or damaged.
        """
        assert out.shape == self.volume_shape, "a place for one volume"
        read_voxels(self.path / entry.file, out, mirrored=mirrored)

    def save_volume(self, file: str, volume: NDArray[np.float32]) -> None:
        """Write one array; it belongs to the store only once an entry names it.

        Args:
            file: Name of the array in the folder.
            volume: Intensities [d, h, w] in [-1, 1].

        Raises:
            DiskError: It cannot be written.
        """
        with atomic_path(self.path / file) as temporary:
            np.save(temporary, quantise(volume))

    def remove_strays(self) -> None:
        """Remove arrays that no entry names and temporaries: what a killed run left behind."""
        named = {entry.file for entry in self.entries}
        for path in self.path.iterdir():
            if _STRAY.fullmatch(path.name) and path.name not in named:
                with suppress(OSError):
                    path.unlink()

    def with_entries(
        self, entries: Sequence[StoreEntry], class_names: tuple[str, ...] | None = None
    ) -> Store:
        """Add or replace entries by id and write the index.

        Args:
            entries: New or changed entries; their arrays are already written.
            class_names: New names of the labels, or None to keep them.

        Returns:
            The store as it is now on disk.

        Raises:
            DiskError: The index cannot be written; the old one stands.
        """
        merged = {entry.id: entry for entry in (*self.entries, *entries)}
        store = Store(
            self.path,
            self.config,
            masked=self.masked,
            class_names=self.class_names if class_names is None else class_names,
            entries=merged.values(),
        )
        store._write_index()
        return store

    def _write_index(self) -> None:
        Index(
            config=self.config,
            masked=self.masked,
            class_names=self.class_names,
            entries=self.entries,
        ).write(self.path)


def _differences(old: PrepareConfig, new: PrepareConfig) -> list[str]:
    """List what would change the voxels; labels can be given again at any time."""
    return [
        f"{item.name} {getattr(old, item.name)}"
        for item in dataclasses.fields(PrepareConfig)
        if item.name != "label_column" and getattr(old, item.name) != getattr(new, item.name)
    ]

"""index.json of a store: how its scans were made, and what each of its arrays is.

The index is whole or not at all: it is written beside the old one and takes its place.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hagan.config.data import PrepareConfig
from hagan.data.files import write_bytes_atomically
from hagan.data.placement import Placement, Window, with_tuples
from hagan.errors import BadInputError

FORMAT = 1
INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class StoreEntry(Placement):
    """One scan of a store.

    Attributes:
        id: Number in the store, such as ``"0001"``.
        file: Name of its array in the store's folder.
        source: Path of the scan below the folder that was prepared.
        source_sha256: Hash of the scan's file, or of its slices.
        mask_sha256: Hash of the mask that was applied, or None.
        subject: Who was scanned; folds are split by it.
        label: Index into the store's class names, or None.
        covariates: The subject's row of the table.
        air_hu: Measured air of the scan by which its values were scaled, or None.
        mended: What the reader mended because it was asked to, in words.
    """

    id: str
    file: str
    source: str
    source_sha256: str
    mask_sha256: str | None = None
    subject: str
    label: int | None = None
    covariates: dict[str, float | str] = field(default_factory=dict)
    air_hu: float | None = None
    mended: tuple[str, ...] = ()


def in_order(entries: Iterable[StoreEntry]) -> tuple[StoreEntry, ...]:
    """Sort entries by number, however many digits it has."""
    return tuple(sorted(entries, key=lambda entry: (len(entry.id), entry.id)))


@dataclass(frozen=True, kw_only=True)
class Index:
    """What index.json holds.

    Attributes:
        config: How every scan of the store was made.
        masked: Whether a mask was applied to each scan.
        class_names: Names of the labels, in order; empty when there are none.
        entries: The scans, in the order of their ids.
    """

    config: PrepareConfig
    masked: bool = False
    class_names: tuple[str, ...] = ()
    entries: tuple[StoreEntry, ...] = ()

    @classmethod
    def read(cls, store: Path) -> Index:
        """Read the index of a store.

        Args:
            store: The store's folder.

        Returns:
            The index.

        Raises:
            BadInputError: There is no store, or its index is damaged or of a newer hagan.
        """
        path = store / INDEX
        try:
            content = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise BadInputError(
                f"{store} is no store (it has no {INDEX}); make one with hagan prepare"
            ) from error
        except (OSError, ValueError) as error:
            raise BadInputError(f"cannot read {path}: {error}") from error
        try:
            if content["format"] != FORMAT:
                raise BadInputError(
                    f"{path} has format {content['format']}, this hagan reads {FORMAT}"
                )
            return cls(
                config=PrepareConfig(**with_tuples(content["config"])),
                masked=content["masked"],
                class_names=tuple(content["class_names"]),
                entries=in_order(_entry(item) for item in content["entries"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"{path} is not the index of a store: {error!r}") from error

    def write(self, store: Path) -> None:
        """Write the index into a store's folder.

        Args:
            store: The store's folder.

        Raises:
            DiskError: It cannot be written; the old one stands.
        """
        content = {
            "format": FORMAT,
            "config": dataclasses.asdict(self.config),
            "masked": self.masked,
            "class_names": self.class_names,
            "entries": [dataclasses.asdict(entry) for entry in self.entries],
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        write_bytes_atomically(store / INDEX, text.encode())


def _entry(content: dict[str, Any]) -> StoreEntry:
    return StoreEntry(**{**with_tuples(content), "window": Window(**content["window"])})

"""What can be found in a folder: runs, volumes in collections, directions, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from hagan.data.volume import Volume

Provenance: TypeAlias = Literal["real", "fake", "rebuilt", "scan"]
"""Where a volume comes from; a scan is a file of which nothing is known."""


@dataclass(frozen=True, eq=False)
class FoundVolume:
    """One volume that can be shown.

    Attributes:
        id: Opaque.
        name: For people.
        provenance: Real, fake, rebuilt, or unknown.
        note: What else is known of it, in a few words.
        read: Reads it in canonical orientation; raises a HaganError of one line.
        version: Changes with the file, so that nothing old is shown.
    """

    id: str
    name: str
    provenance: Provenance
    note: str
    read: Callable[[], Volume]
    version: Callable[[], str]


@dataclass(frozen=True, eq=False)
class Collection:
    """Volumes that lie together.

    Attributes:
        id: Opaque.
        name: Of the folder below the root.
        kind: What made it: "store", "generated", "rebuilt", "scans".
        volumes: In order.
        fault: Why it cannot be shown, in one line; empty where it can.
    """

    id: str
    name: str
    kind: str
    volumes: tuple[FoundVolume, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class FoundRun:
    """A run folder, or a weights file, whose path it then is."""

    id: str
    name: str
    path: Path


@dataclass(frozen=True)
class FoundDirection:
    """A file that holds a direction in latent space."""

    id: str
    name: str
    path: Path


@dataclass(frozen=True)
class FoundReport:
    """A page or a table of figures: report.html, results.json, or both of one folder."""

    id: str
    name: str
    page: Path | None
    results: Path | None


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that a folder holds.

    Attributes:
        truncated: Whether the folder held more than was looked at.
    """

    runs: tuple[FoundRun, ...] = ()
    collections: tuple[Collection, ...] = ()
    directions: tuple[FoundDirection, ...] = ()
    reports: tuple[FoundReport, ...] = ()
    truncated: bool = False

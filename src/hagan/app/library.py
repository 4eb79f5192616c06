"""The found things by their opaque ids, looked for again when they are asked for after a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from hagan.app.finding import find, is_direction
from hagan.app.found import (
    Collection,
    Findings,
    FoundDirection,
    FoundReport,
    FoundRun,
    FoundVolume,
)
from hagan.app.root import Root
from hagan.errors import BadInputError

STALE_SECONDS = 5.0
MOST_MADE = 200
"""Volumes made on demand that keep their ids; the oldest go."""

FoundT = TypeVar("FoundT", FoundRun, Collection, FoundDirection, FoundReport)


class UnknownIdError(BadInputError):
    """No such thing was found, or it is gone."""


class Library:
    """What can be shown, by id; nothing else can be named."""

    def __init__(self, root: Root, *, directions: Sequence[Path] = ()) -> None:
        """Look at a folder for the first time.

        Args:
            root: What is served.
            directions: Files of directions that a user named, wherever they lie.

        Raises:
            BadInputError: A named file is no direction.
        """
        for path in directions:
            if not is_direction(path):
                raise BadInputError(f"{path} is no direction; `hagan direction` makes one")
        self.root = root
        self._given = tuple(
            FoundDirection(root.id_of("given", str(path)), path.name, path) for path in directions
        )
        self._made: OrderedDict[str, FoundVolume] = OrderedDict()
        self._lock = threading.Lock()
        self._refresh()

    @property
    def findings(self) -> Findings:
        """What there is now."""
        with self._lock:
            if time.monotonic() - self._looked > STALE_SECONDS:
                self._refresh()
            return self._findings

    def run(self, key: str) -> FoundRun:
        """A run by its id.

        Raises:
            UnknownIdError: There is none.
        """
        return _by_id(self.findings.runs, key)

    def collection(self, key: str) -> Collection:
        """A collection by its id; see `run`."""
        return _by_id(self.findings.collections, key)

    def report(self, key: str) -> FoundReport:
        """A report by its id; see `run`."""
        return _by_id(self.findings.reports, key)

    def direction(self, key: str) -> FoundDirection:
        """A direction by its id; see `run`."""
        return _by_id(self.findings.directions, key)

    def volume(self, key: str) -> FoundVolume:
        """A volume by its id, found or made; see `run`."""
        with self._lock:
            found = self._made.get(key) or self._volumes.get(key)
        if found is None:
            raise UnknownIdError("no such volume; it may be gone, so go back and look again")
        return found

    def add_made(self, volume: FoundVolume) -> None:
        """Let a volume that was made on demand be named."""
        with self._lock:
            self._made[volume.id] = volume
            self._made.move_to_end(volume.id)
            while len(self._made) > MOST_MADE:
                self._made.popitem(last=False)

    def _refresh(self) -> None:
        found = find(self.root)
        self._findings = replace(found, directions=(*self._given, *found.directions))
        self._volumes = {item.id: item for held in found.collections for item in held.volumes}
        self._looked = time.monotonic()


def _by_id(items: Sequence[FoundT], key: str) -> FoundT:
    for item in items:
        if item.id == key:
            return item
    raise UnknownIdError("nothing of that name is served; it may be gone")

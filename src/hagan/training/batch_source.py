"""What training reads its volumes from."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hagan.data.batches import Batch


@runtime_checkable
class BatchSource(Protocol):
    """Endless batches that are addressed by step: `hagan.data.batches.Batches`, or a user's own."""

    def at(self, step: int, repeat: int = 0) -> Batch:
        """The batch of that step; a repeat within a step is a fresh one."""
        ...


@runtime_checkable
class PartialSource(Protocol):
    """Batches of which a process can load its own volumes alone; others are loaded and cut."""

    def part(self, step: int, repeat: int, first: int, count: int) -> Batch:
        """Volumes `first` up to `first + count` of the batch that `at` gives."""
        ...

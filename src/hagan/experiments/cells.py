"""Cells of the tables: what is asked of a process, what it answered, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hagan.config.codec import from_plain, to_plain
from hagan.config.training import RunConfig
from hagan.data.files import make_folder, write_bytes_atomically
from hagan.errors import BadInputError

Kind = Literal["cost", "memory", "speed"]
"""A prediction, a step whose memory is measured, or steps that are timed."""

Status = Literal["done", "memory", "time", "failed"]
"""How a cell ended: with an answer, out of memory, out of time, or otherwise."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement of one recipe, in plain values so that a process of its own can take it."""

    kind: Kind
    family: str
    side: int
    config: RunConfig
    device: str
    threads: int
    turn: int = 0
    """Number among repeats of the same measurement."""
    warm_up: int = 1
    """Timed steps that do not count."""
    steps: int = 2
    """Steps that count, at most."""
    seconds: float = 0.0
    """After which no further step is timed; one always is."""
    machine: str = ""
    """Names what it is measured on: an answer from elsewhere is not taken."""

    @property
    def name(self) -> str:
        """Short name, unique in an experiment."""
        turn = f"-{self.turn + 1}" if self.kind == "speed" else ""
        return f"{self.kind}-{self.family}-{self.side}{turn}"

    def question(self) -> dict[str, Any]:
        """Plain values, which are equal for the same measurement only."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @staticmethod
    def of(question: Mapping[str, Any]) -> Cell:
        """The cell that has this question."""
        return from_plain(Cell, dict(question), where="the question to a measuring process")


@dataclass(frozen=True)
class Limits:
    """What a cell's process may take."""

    memory: int
    """Bytes."""
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a cell ended."""

    status: Status
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What was measured; empty unless done."""
    why: str = ""
    """Why there is no answer."""


Ask = Callable[[Cell, Limits], Outcome]
"""Has a cell measured."""

Tell = Callable[[Cell, Outcome], None]
"""Hears of each cell that was measured now."""


class Cells:
    """Has cells measured, each once: what has ended is kept in a folder."""

    def __init__(self, folder: Path, ask: Ask, limits: Limits, tell: Tell) -> None:
        """Set up.

        Args:
            folder: Where outcomes are kept, a file a cell; it is made.
            ask: Measures.
            limits: Of each cell. One that ended at a limit is measured again under a wider one.
            tell: Hears of each cell that was measured now.

        Raises:
            DiskError: The folder cannot be made.
        """
        self.folder = make_folder(folder)
        self.limits = limits
        self._ask = ask
        self._tell = tell

    def outcome(self, cell: Cell) -> Outcome:
        """The kept outcome of a cell, or what it is found to be now.

        Raises:
            DiskError: It cannot be written.
        """
        path = self.folder / f"{cell.name}.json"
        kept = self._kept(path, cell)
        if kept is not None:
            return kept
        outcome = self._ask(cell, self.limits)
        # A fault of the program may be mended before the next call.
        if outcome.status != "failed":
            content = {
                "question": cell.question(),
                "limits": {"memory": self.limits.memory, "seconds": self.limits.seconds},
                "outcome": {
                    "status": outcome.status,
                    "answer": dict(outcome.answer),
                    "why": outcome.why,
                },
            }
            write_bytes_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
        self._tell(cell, outcome)
        return outcome

    def _kept(self, path: Path, cell: Cell) -> Outcome | None:
        """What a file holds, if it answers the same question."""
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text("utf-8"))
            question, limits = content["question"], content["limits"]
            outcome = Outcome(**content["outcome"])
            wider = {
                "memory": self.limits.memory > limits["memory"],
                "time": self.limits.seconds > limits["seconds"],
            }
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"{path}: not a cell that this command wrote ({error}); remove it or take another "
                "--out"
            ) from error
        # As JSON, in which tuples are lists.
        if question != json.loads(json.dumps(cell.question())):
            return None
        return None if wider.get(outcome.status) else outcome

"""The course of an experiment: models by sides, and what is started of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hagan.experiments.cells import Cell, Cells, Kind, Limits, Outcome
from hagan.experiments.lineup import config_of
from hagan.training.plan import OVERHEADS

GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is measured, and where."""

    families: tuple[str, ...]
    """Of recipes, in the order of the tables."""
    sides: tuple[int, ...]
    batch_size: int
    device: str
    threads: int
    machine: str = ""
    """Names it: figures of another one are not taken for its own."""

    def cell(self, kind: Kind, family: str, side: int) -> Cell | None:
        """A cell of the tables; None where the family has no recipe of that side."""
        config = config_of(family, side, self.batch_size)
        if config is None:
            return None
        return Cell(
            kind=kind,
            family=family,
            side=side,
            config=config,
            device=self.device,
            threads=self.threads,
            machine=self.machine,
        )


@dataclass(frozen=True)
class Prediction:
    """What is known of a cell before it is started."""

    outcome: Outcome | None
    """None where there is no recipe."""
    needed: int | None = None
    """Bytes of the predicted peak and of what is beside the tensors."""
    refusal: str = ""
    """Why the cell is not started; empty where it is."""

    def number(self, key: str) -> int | None:
        """A predicted number; None without a prediction."""
        return None if self.outcome is None else self.outcome.answer.get(key)

    @property
    def networks(self) -> dict[str, int]:
        """Parameters of each network."""
        return {} if self.outcome is None else dict(self.outcome.answer.get("networks", {}))


class Course:
    """Predicts each cell, and starts those that fit."""

    def __init__(self, asked: Asked, cells: Cells) -> None:
        """Set up.

        Args:
            asked: What is measured.
            cells: Measures and keeps.
        """
        self.asked = asked
        self.limits: Limits = cells.limits
        self._cells = cells
        self._late: dict[str, int] = {}
        """The first side at which a family ran out of time."""

    def prediction(self, family: str, side: int) -> Prediction:
        """Trace a step, and hold what it needs against the memory."""
        cell = self.asked.cell("cost", family, side)
        if cell is None:
            return Prediction(None, refusal="no recipe of this side")
        # A prediction is the same on any machine.
        outcome = self._cells.outcome(replace(cell, machine="", threads=1))
        if outcome.status != "done":
            return Prediction(outcome)
        peak: int = outcome.answer["peak"]
        needed = peak + OVERHEADS[self.asked.device].beside(peak)
        refusal = ""
        if needed > self.limits.memory:
            refusal = f"does not fit (predicted {needed / GIB:.1f} GiB)"
        return Prediction(outcome, needed, refusal)

    def late(self, family: str, side: int) -> str:
        """Why a side is not tried after a smaller one ran out of time; empty where it is."""
        first = self._late.get(family)
        if first is None or first >= side:
            return ""
        return f"not started: side {first} took longer than {self.limits.seconds:g} s"

    def outcome(self, cell: Cell) -> Outcome:
        """Have a cell measured, and remember whether it was too slow."""
        outcome = self._cells.outcome(cell)
        if outcome.status == "time":
            self._late[cell.family] = min(cell.side, self._late.get(cell.family, cell.side))
        return outcome

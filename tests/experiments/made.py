"""Courses whose cells are answered at once, with figures that follow from the cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hagan.experiments.cells import Cell, Cells, Limits, Outcome
from hagan.experiments.course import Asked, Course

MIB = 2**20


class Answers:
    """Answers each cell, and remembers in which order they were asked."""

    def __init__(self, **instead: Outcome) -> None:
        """Answer by the cell's name, with strokes as underscores, where one is given."""
        self.instead = instead
        self.asked: list[str] = []

    def __call__(self, cell: Cell, limits: Limits) -> Outcome:
        self.asked.append(cell.name)
        given = self.instead.get(cell.name.replace("-", "_"))
        return given or Outcome("done", answer=answer(cell))


def answer(cell: Cell) -> dict[str, Any]:
    size = cell.side**3 // 1000 * MIB
    if cell.kind == "cost":
        phases = [{"name": "critic", "peak": size // 2}, {"name": "generator", "peak": size}]
        networks = {"generator": 3_000_000, "critic": 1_500_000}
        parameters = sum(networks.values())
        cost = {"peak": size, "phases": phases, "flops": cell.side * 10**9}
        return {**cost, "networks": networks, "parameters": parameters}
    if cell.kind == "memory":
        phases = {"critic": size // 2, "generator": 2 * size}
        peaks = {"peak": 2 * size, "process": 3 * size, "reserved": None}
        return {**peaks, "phases": phases}
    wall = [cell.side * (number + 1 + cell.turn) / 100 for number in range(cell.steps)]
    parts = [{"critic": 0.25 * seconds, "generator": 0.5 * seconds} for seconds in wall]
    return {"wall": wall, "cpu": [seconds / 2 for seconds in wall], "phases": parts}


def course(
    folder: Path,
    answers: Answers,
    *,
    families: tuple[str, ...] = ("wgan", "hagan-official"),
    sides: tuple[int, ...] = (32, 64),
    memory: int = 2**40,
    device: str = "cpu",
) -> Course:
    asked = Asked(families=families, sides=sides, batch_size=2, device=device, threads=1)
    return Course(asked, Cells(folder, answers, Limits(memory, 5.0), lambda *_: None))

"""What is started, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.made import MIB, Answers, course
from hagan.experiments.cells import Outcome
from hagan.training.plan import OVERHEADS

PEAK = 262 * MIB
"""Of the made prediction at side 64."""


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_needs_more_than_there_is_is_refused(device: str, tmp_path: Path) -> None:
    needed = PEAK + OVERHEADS[device].beside(PEAK)
    fits = course(tmp_path, Answers(), memory=needed, device=device).prediction("wgan", 64)
    assert (fits.refusal, fits.needed) == ("", needed)
    small = course(tmp_path, Answers(), memory=needed - 1, device=device).prediction("wgan", 64)
    assert small.refusal == f"does not fit (predicted {needed / 2**30:.1f} GiB)"
    assert small.number("peak") == PEAK
    assert small.networks == {"generator": 3_000_000, "critic": 1_500_000}


def test_a_side_without_a_recipe_is_asked_of_nobody(tmp_path: Path) -> None:
    answers = Answers()
    found = course(tmp_path, answers).prediction("hagan-tiny", 64)
    assert found.refusal == "no recipe of this side"
    assert (found.outcome, found.number("peak"), found.networks) == (None, None, {})
    assert answers.asked == []


def test_without_a_prediction_the_cell_is_tried(tmp_path: Path) -> None:
    answers = Answers(cost_wgan_64=Outcome("failed", why="failed: x"))
    found = course(tmp_path, answers, memory=1).prediction("wgan", 64)
    assert (found.refusal, found.needed, found.number("peak")) == ("", None, None)


def test_larger_sides_than_one_that_was_late_are_not_started(tmp_path: Path) -> None:
    answers = Answers(memory_wgan_64=Outcome("time", why="took longer than 5 s"))
    runs = course(tmp_path, answers)
    cell = runs.asked.cell("memory", "wgan", 64)
    assert cell is not None
    assert runs.late("wgan", 128) == ""
    runs.outcome(cell)
    assert runs.late("wgan", 128) == "not started: side 64 took longer than 5 s"
    assert runs.late("wgan", 64) == runs.late("wgan", 32) == runs.late("hagan", 128) == ""


def test_a_prediction_is_the_same_on_any_machine(tmp_path: Path) -> None:
    answers = Answers()
    runs = course(tmp_path, answers)
    runs.prediction("wgan", 32)
    cell = runs.asked.cell("cost", "wgan", 32)
    assert cell is not None
    assert (cell.threads, cell.machine) == (1, "")
    assert answers.asked == ["cost-wgan-32"]
    runs.prediction("wgan", 32)
    assert answers.asked == ["cost-wgan-32"]

"""Cells are measured once, and again where they have to be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.made import Answers
from hagan.errors import BadInputError
from hagan.experiments.cells import Cell, Cells, Limits, Outcome
from hagan.experiments.lineup import config_of

LIMITS = Limits(2**30, 5.0)


def cell(family: str = "style-gan-tiny", **changes: object) -> Cell:
    config = config_of(family, 32)
    assert config is not None
    made = Cell(kind="speed", family=family, side=32, config=config, device="cpu", threads=1)
    return replace(made, **changes)  # type: ignore[arg-type]


def cells(folder: Path, answers: Answers, limits: Limits = LIMITS) -> Cells:
    return Cells(folder, answers, limits, lambda *_: None)


def test_a_question_survives_json() -> None:
    for family in ("wgan-tiny", "hagan-tiny", "progressive-gan-tiny"):
        asked = cell(family, seconds=2.5, turn=1)
        assert Cell.of(json.loads(json.dumps(asked.question()))) == asked


def test_names_tell_repeats_apart() -> None:
    assert cell(turn=0).name == "speed-style-gan-tiny-32-1"
    assert cell(turn=1).name == "speed-style-gan-tiny-32-2"
    assert cell(kind="memory").name == "memory-style-gan-tiny-32"


def test_what_ended_is_kept_and_told_once(tmp_path: Path) -> None:
    answers, told = Answers(), []
    first = Cells(tmp_path, answers, LIMITS, lambda cell, _: told.append(cell.name)).outcome(cell())
    second = Cells(tmp_path, answers, LIMITS, lambda cell, _: told.append(cell.name)).outcome(
        cell()
    )
    assert first == second
    assert answers.asked == told == [cell().name]


@pytest.mark.parametrize(
    "changes",
    [{"threads": 2}, {"steps": 3}, {"seconds": 1.0}, {"machine": "another"}, {"device": "cuda"}],
    ids=str,
)
def test_another_question_is_asked_again(changes: dict[str, object], tmp_path: Path) -> None:
    answers = Answers()
    cells(tmp_path, answers).outcome(cell())
    cells(tmp_path, answers).outcome(cell(**changes))
    assert len(answers.asked) == 2


def test_another_batch_is_asked_again(tmp_path: Path) -> None:
    answers = Answers()
    cells(tmp_path, answers).outcome(cell())
    cells(tmp_path, answers).outcome(cell(config=config_of("style-gan-tiny", 32, 3)))
    assert len(answers.asked) == 2


@pytest.mark.parametrize(
    ("status", "wider"), [("memory", Limits(2**31, 5.0)), ("time", Limits(2**30, 6.0))]
)
def test_a_limit_is_kept_until_it_is_wider(status: str, wider: Limits, tmp_path: Path) -> None:
    answers = Answers(speed_style_gan_tiny_32_1=Outcome(status, why="ended"))  # type: ignore[arg-type]
    for limits, asked in ((LIMITS, 1), (Limits(2**29, 4.0), 1), (LIMITS, 1), (wider, 2)):
        outcome = cells(tmp_path, answers, limits).outcome(cell())
        assert (outcome.status, outcome.why) == (status, "ended")
        assert len(answers.asked) == asked
    other = Limits(2**32, 5.0) if status == "time" else Limits(2**30, 9.0)
    cells(tmp_path, answers, other).outcome(cell())
    assert len(answers.asked) == 2, "the other limit does not matter"


def test_an_answer_outlives_any_limit(tmp_path: Path) -> None:
    answers = Answers()
    for limits in (LIMITS, Limits(2**40, 1e6), Limits(1, 0.1)):
        assert cells(tmp_path, answers, limits).outcome(cell()).status == "done"
    assert len(answers.asked) == 1


def test_a_fault_is_not_kept(tmp_path: Path) -> None:
    answers = Answers(speed_style_gan_tiny_32_1=Outcome("failed", why="failed: x"))
    cells(tmp_path, answers).outcome(cell())
    assert list(tmp_path.iterdir()) == []
    cells(tmp_path, answers).outcome(cell())
    assert len(answers.asked) == 2


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"question": 1, "limits": 2, "outcome": 3}'])
def test_a_damaged_cell_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / f"{cell().name}.json").write_text(content)
    with pytest.raises(BadInputError, match=f"{cell().name}.json: not a cell"):
        cells(tmp_path, Answers()).outcome(cell())

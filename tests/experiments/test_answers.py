"""Answers that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hagan.errors import BadInputError
from hagan.experiments.answers import Answers, digest_of


class Counting:
    """Answers with the number of times that it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Mapping[str, Any]:
        self.times += 1
        return {"times": self.times, "pair": (1, 2.5)}


def test_the_same_question_is_answered_once(tmp_path: Path) -> None:
    compute = Counting()
    for _ in range(2):
        found = Answers(tmp_path / "kept").get("a/b", {"seed": 0, "sides": (1, 2)}, compute)
        assert found == {"times": 1, "pair": [1, 2.5]}
    assert compute.times == 1


def test_another_question_is_answered_anew_under_the_same_name(tmp_path: Path) -> None:
    answers, compute = Answers(tmp_path), Counting()
    assert answers.get("a", {"seed": 0}, compute)["times"] == 1
    assert answers.get("a", {"seed": 1}, compute)["times"] == 2
    assert answers.get("a", {"seed": 1}, compute)["times"] == 2


def test_an_answer_that_was_not_found_is_not_kept(tmp_path: Path) -> None:
    def fails() -> Mapping[str, Any]:
        raise BadInputError("no")

    answers = Answers(tmp_path)
    with pytest.raises(BadInputError, match="no"):
        answers.get("a", {}, fails)
    assert answers.get("a", {}, Counting())["times"] == 1


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"question": {}}', '{"question": {}, "answer": 3}']
)
def test_a_file_that_is_no_answer_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadInputError, match=r"a\.json: not an answer .* remove it"):
        Answers(tmp_path).get("a", {}, Counting())


def test_a_digest_tells_texts_and_their_borders_apart() -> None:
    assert digest_of("a", "b") == digest_of("a", "b")
    assert len({digest_of("a", "b"), digest_of("ab"), digest_of("b", "a")}) == 3


def test_an_answer_can_be_kept_and_looked_up(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    assert answers.kept("a", {"seed": 0}) is None
    assert answers.keep("a", {"seed": 0}, {"pair": (1, 2)}) == {"pair": [1, 2]}
    assert answers.kept("a", {"seed": 0}) == {"pair": [1, 2]}
    assert answers.kept("a", {"seed": 1}) is None

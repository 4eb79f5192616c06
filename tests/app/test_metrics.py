from __future__ import annotations

import json
from pathlib import Path

from hagan.app.metrics import MOST_LINES, read_lines


def line(step: int, **values: object) -> str:
    return json.dumps({"step": step, **values}) + "\n"


def test_only_what_is_new_is_read_and_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_lines(path).lines == ()
    path.write_text(line(1, loss=2.0) + '{"step": 2, "lo')
    first = read_lines(path)
    assert first.lines == ({"step": 1, "loss": 2.0},)
    with path.open("a") as file:
        file.write('ss": 1.5}\n')
    second = read_lines(path, first.next)
    assert second.lines == ({"step": 2, "loss": 1.5},)
    assert not second.restarted
    path.write_text(line(1))
    assert read_lines(path, second.next).restarted


def test_what_is_not_finite_or_no_line_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, a=float("nan"), b="x", c=True, d=3) + "rubbish\n[1]\n" + line(2))
    assert read_lines(path).lines == (
        {"step": 1, "a": None, "b": None, "c": None, "d": 3},
        {"step": 2},
    )


def test_of_very_many_lines_the_newest_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(line(step) for step in range(4000)))
    lines = read_lines(path).lines
    assert len(lines) <= MOST_LINES
    assert lines[-1] == {"step": 3999}

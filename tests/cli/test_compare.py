"""`hagan compare`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.test_folds import methods
from hagan.cli import main


def arguments(root: Path) -> list[str]:
    return [
        f"{name}={','.join(str(path) for path in paths)}" for name, paths in methods(root).items()
    ]


def test_a_table_with_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["compare", *arguments(tmp_path), "--metric", "fid"]) == 0
    printed = capsys.readouterr().out
    assert "Frechet distance, net (lower is better)" in printed
    assert "1.05 ± 0.112 (5)" in printed
    (rival,) = [line for line in printed.splitlines() if line.startswith("rival")]
    assert rival.count("*") == 6
    assert "Folds share training data" in printed


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["compare", *arguments(tmp_path), "--metric", "fid", "--json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert table["methods"]["ours"]["folds"] == 5
    assert 0 < table["tests"][0]["student"]["p"] < 0.01


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["ours"], "must be NAME=FOLDER"),
        (["a=x", "a=y"], "names that differ"),
        (["a=x", "b=y"], "does not exist"),
    ],
)
def test_wrong_input_is_one_line(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["compare", *wrong]) in (2, 3)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1

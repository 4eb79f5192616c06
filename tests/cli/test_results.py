"""What an evaluation leaves on disk and on the console."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from evaluation.made import instruments, sides
from hagan.cli.results import file_name, print_aligned, print_tables, write_results
from hagan.config.evaluation import EvaluationConfig
from hagan.errors import DiskError
from hagan.evaluation.comparison import Comparison, compare

pytestmark = pytest.mark.slow  # comparisons of whole sets


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    config = EvaluationConfig(resamples=5, pairs=2)
    return compare(sides(), instruments(), config, {"resampling": "none"})


def test_everything_is_written(comparison: Comparison, tmp_path: Path) -> None:
    write_results(comparison, sides(), tmp_path, "hagan evaluate x --real y")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert {
        *("report.html", "results.json", "results.csv", "results.md", "samples.png"),
        *("fid.png", "kid.png", "mds-random-resnet10.png"),
        *("features/random-resnet10/model.npz", "features/random-resnet10/PCA-Gaussian.npz"),
    } <= written
    with np.load(tmp_path / "features/random-resnet10/model.npz") as content:
        assert content["features"].shape == (8, 512)
        assert content["subjects"][0] == "subject-100"
    assert json.loads((tmp_path / "results.json").read_text())["command"].startswith("hagan")


def test_results_json_comes_last(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "results.md").mkdir()
    with pytest.raises(DiskError):
        write_results(comparison, sides(), tmp_path, "hagan evaluate x --real y")
    assert not (tmp_path / "results.json").exists(), "a folder with it is complete"


def test_the_console_shows_every_figure_whole(comparison: Comparison) -> None:
    stream = io.StringIO()
    print_tables(comparison, Console(file=stream, width=40, soft_wrap=True, highlight=False))
    text = stream.getvalue()
    (line,) = [line for line in text.splitlines() if line.startswith("Frechet distance ↓")]
    value = comparison.rows[0].scores["random-resnet10"]["fid"].value
    assert f"{value:.3g}" in line
    assert "*" in line
    assert "! n = 8" in text


def test_columns_line_up() -> None:
    stream = io.StringIO()
    print_aligned(
        Console(file=stream, soft_wrap=True),
        "title",
        ["", "one", "two"],
        [["long name", "1", "22"]],
    )
    lines = stream.getvalue().splitlines()
    assert lines[1:] == ["title", "           one  two", "long name  1    22"]


@pytest.mark.parametrize(
    ("name", "file"),
    [("PCA Gaussian", "PCA-Gaussian"), ("a/b: c", "a-b-c"), ("..", "set"), ("run.1", "run.1")],
)
def test_names_of_sets_are_names_of_files(name: str, file: str) -> None:
    assert file_name(name) == file

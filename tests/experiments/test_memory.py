"""The memory table: what was measured beside what was predicted and what the paper says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.made import MIB, Answers, course
from hagan.experiments.cells import Outcome
from hagan.experiments.memory import measure_memory, memory_result
from hagan.experiments.tables import Result


def named(rows: list[Mapping[str, Any]], model: str, side: int) -> Mapping[str, Any]:
    (row,) = [row for row in rows if (row["model"], row["side"]) == (model, side)]
    return row


def cells_of(result: Result, title: str) -> list[dict[str, str]]:
    (table,) = [table for table in result.tables if table.title == title]
    return [dict(zip(table.header, line, strict=True)) for line in table.body]


def test_every_model_and_side_has_its_row(tmp_path: Path) -> None:
    answers = Answers()
    rows = measure_memory(course(tmp_path, answers))
    assert [(row["side"], row["model"]) for row in rows] == [
        *((32, "wgan"), (32, "hagan-official"), (64, "wgan"), (64, "hagan-official")),
    ]
    row = named(rows, "wgan", 64)
    assert (row["predicted_bytes"], row["peak_bytes"], row["ratio"]) == (262 * MIB, 524 * MIB, 2.0)
    assert row["process_bytes"] == 786 * MIB
    assert row["phases"] == {"critic": 131 * MIB, "generator": 524 * MIB}
    assert row["why"] == ""
    assert len(answers.asked) == 8


def test_a_dry_run_measures_nothing(tmp_path: Path) -> None:
    answers = Answers()
    rows = measure_memory(course(tmp_path, answers), dry_run=True)
    assert all(name.startswith("cost-") for name in answers.asked)
    row = named(rows, "wgan", 64)
    assert (row["peak_bytes"], row["ratio"], row["predicted_bytes"]) == (None, None, 262 * MIB)
    assert row["phases"] == {"critic": 131 * MIB, "generator": 262 * MIB}
    assert not row["phases_measured"]


def test_what_does_not_fit_is_a_row_and_is_not_started(tmp_path: Path) -> None:
    answers = Answers()
    rows = measure_memory(course(tmp_path, answers, memory=600 * MIB))
    row = named(rows, "wgan", 64)
    assert row["why"] == "does not fit (predicted 0.7 GiB)"
    assert row["peak_bytes"] is None
    assert named(rows, "wgan", 32)["peak_bytes"] is not None
    assert "memory-wgan-64" not in answers.asked


@pytest.mark.parametrize("status", ["memory", "time", "failed"])
def test_a_cell_that_ends_without_an_answer_is_a_row(status: str, tmp_path: Path) -> None:
    answers = Answers(memory_wgan_32=Outcome(status, why="ended so"))  # type: ignore[arg-type]
    rows = measure_memory(course(tmp_path, answers))
    assert named(rows, "wgan", 32)["why"] == "ended so"
    assert named(rows, "hagan-official", 32)["why"] == ""
    late = named(rows, "wgan", 64)["why"]
    assert late == ("not started: side 32 took longer than 5 s" if status == "time" else "")


def test_a_prediction_that_fails_is_told_beside_the_measurement(tmp_path: Path) -> None:
    answers = Answers(cost_wgan_32=Outcome("failed", why="failed: no such kernel"))
    row = named(measure_memory(course(tmp_path, answers)), "wgan", 32)
    assert row["why"] == "no prediction: failed: no such kernel"
    assert (row["peak_bytes"], row["ratio"]) == (64 * MIB, None)


def test_tables_show_the_papers_figures_beside_its_model_alone(tmp_path: Path) -> None:
    runs = course(tmp_path, Answers())
    result = memory_result(measure_memory(runs), runs, {"CPU": "one"})
    peaks = cells_of(result, "Peak memory")
    assert [line["paper MB"] for line in peaks] == ["", "2573", "", "2665"]
    assert [line["measured MiB"] for line in peaks] == ["64", "64", "524", "524"]
    assert [line["predicted MiB"] for line in peaks] == ["32", "32", "262", "262"]
    assert peaks[0]["ratio"] == "2"
    parameters = cells_of(result, "Parameters")[1]
    assert (parameters["all"], parameters["paper"]) == ("4.5M", "74.7M")
    assert parameters["by network"] == "generator 3.0M, critic 1.5M"
    assert "V100" in result.tables[0].text
    assert result.pictures.keys() == {"memory"}
    assert cells_of(result, "Peak memory by phase")[0][""] == "measured"


def test_nothing_predicted_and_nothing_measured_is_a_table_too(tmp_path: Path) -> None:
    runs = course(tmp_path, Answers(), families=("hagan-tiny",), sides=(64,))
    result = memory_result(measure_memory(runs), runs, {})
    assert cells_of(result, "Peak memory")[0]["note"] == "no recipe of this side"
    assert not result.pictures
    assert "no recipe of this side" in result.markdown()

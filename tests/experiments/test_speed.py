"""The table of speeds: models in turn, medians, shares, and the paper's beside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from experiments.made import Answers, course
from experiments.test_memory import cells_of, named
from hagan.experiments.cells import Outcome
from hagan.experiments.course import Course
from hagan.experiments.speed import OTHER, Timing, measure_speed, speed_result
from hagan.experiments.tables import Result

TIMING = Timing(repeats=2, steps=3, seconds=9.0, warm_up=1)


def result_of(runs: Course) -> tuple[list[Mapping[str, Any]], Result]:
    rows = measure_speed(runs, TIMING)
    return rows, speed_result(rows, runs, TIMING, {"CPU": "one"})


def test_models_take_turns(tmp_path: Path) -> None:
    answers = Answers()
    measure_speed(course(tmp_path, answers, sides=(32, 64)), TIMING)
    timed = [name for name in answers.asked if name.startswith("speed")]
    assert timed == [
        f"speed-{family}-{side}-{turn}"
        for side in (32, 64)
        for turn in (1, 2)
        for family in ("wgan", "hagan-official")
    ]


def test_the_speed_is_one_by_the_median_step_of_all_processes(tmp_path: Path) -> None:
    row = named(measure_speed(course(tmp_path, Answers()), TIMING), "wgan", 32)
    wall = [0.32, 0.64, 0.96, 0.64, 0.96, 1.28]
    assert row["seconds_median"] == pytest.approx(median(wall))
    assert row["steps_per_second"] == pytest.approx(1 / median(wall))
    assert row["seconds_mean"] == pytest.approx(sum(wall) / 6)
    assert row["cpu_seconds_median"] == pytest.approx(median(wall) / 2)
    assert row["seconds_quartiles"] == pytest.approx([0.56, 1.04])
    assert (row["steps"], row["processes"]) == (6, 2)
    assert row["phases"] == pytest.approx({"critic": 0.25, "generator": 0.5, OTHER: 0.25})


def test_a_phase_that_skips_steps_counts_where_it_has_its_turn(tmp_path: Path) -> None:
    steps = [{"critic": 1.0, "encoder": 2.0}, {"critic": 1.0}]
    odd = Outcome("done", {"wall": [4.0, 1.0], "cpu": [4.0, 1.0], "phases": steps})
    answers = Answers(speed_wgan_32_1=odd, speed_wgan_32_2=odd)
    row = named(measure_speed(course(tmp_path, answers), TIMING), "wgan", 32)
    assert row["phases"] == pytest.approx({"critic": 0.4, "encoder": 0.4, OTHER: 0.2})


def test_what_ended_at_a_limit_keeps_its_samples_and_is_not_repeated(tmp_path: Path) -> None:
    answers = Answers(speed_wgan_32_1=Outcome("time", why="took longer than 5 s"))
    rows = measure_speed(course(tmp_path, answers), TIMING)
    assert named(rows, "wgan", 32)["why"] == "took longer than 5 s"
    assert named(rows, "wgan", 32)["steps_per_second"] is None
    assert named(rows, "wgan", 64)["why"].startswith("not started")
    assert [n for n in answers.asked if n.startswith("speed-wgan")] == ["speed-wgan-32-1"]
    assert named(rows, "hagan-official", 64)["steps"] == 6
    second = Answers(speed_wgan_32_2=Outcome("failed", why="failed: x"))
    row = named(measure_speed(course(tmp_path / "b", second), TIMING), "wgan", 32)
    assert (row["steps"], row["why"]) == (3, "failed: x")


def test_what_does_not_fit_is_not_started(tmp_path: Path) -> None:
    answers = Answers()
    rows = measure_speed(course(tmp_path, answers, memory=1), TIMING)
    assert all(row["why"].startswith("does not fit") for row in rows)
    assert all(name.startswith("cost") for name in answers.asked)


def test_a_dry_run_times_nothing(tmp_path: Path) -> None:
    answers = Answers()
    rows = measure_speed(course(tmp_path, answers), TIMING, dry_run=True)
    assert all(name.startswith("cost") for name in answers.asked)
    row = named(rows, "wgan", 32)
    assert (row["steps"], row["flops"], row["phases"]) == (0, 32 * 10**9, {})


def test_beside_the_paper_each_speed_is_relative_to_its_own_machine(tmp_path: Path) -> None:
    rows, result = result_of(course(tmp_path, Answers(), sides=(64, 128)))
    lines = {line["model"]: line for line in cells_of(result, "Beside the paper, side 128")}
    assert set(lines) == {"wgan", "hagan-official"}
    assert (lines["wgan"]["paper it/s"], lines["wgan"]["paper, by HA-GAN"]) == ("2", "0.526")
    assert lines["wgan"]["here, by HA-GAN"] == "1"
    assert "V100" in result.markdown()
    assert result.pictures.keys() == {"speed"}
    speeds = cells_of(result, "Speed")
    assert speeds[0]["steps/s"] == f"{rows[0]['steps_per_second']:.3g}"
    assert "CPU, 1 threads" in result.tables[0].text


def test_without_its_side_the_papers_table_is_left_out(tmp_path: Path) -> None:
    _, result = result_of(course(tmp_path, Answers()))
    assert [table.title for table in result.tables] == ["Speed", "Shares of the time"]
    shares = cells_of(result, "Shares of the time")[0]["phases"]
    assert shares == "critic 25.0 %, generator 50.0 %, beside the phases 25.0 %"


def test_nothing_timed_is_no_picture(tmp_path: Path) -> None:
    runs = course(tmp_path, Answers())
    rows = measure_speed(runs, TIMING, dry_run=True)
    assert not speed_result(rows, runs, TIMING, {}).pictures

"""Flags of experiments on a cohort."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from hagan.cli import main
from hagan.cli.studying import SynthesisExperiment


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--folds", "0"], "--folds 0 must be at least 1"),
        (["--folds", "6"], "--folds 6 must be at most 5"),
        (["--samples", "1"], "--samples must be at least 2"),
        (["--phantoms", "0"], "--phantoms 0"),
        (["--workers", "0"], "--workers 0"),
        (["--minutes", "0"], "--minutes 0"),
        (["--minutes", "nan"], "--minutes nan"),
        (["--models", "wgna"], "--models wgna"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["experiment", "synthesis", "--out", str(tmp_path / "out"), *flags]
    assert main.run(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_flags_take_the_place_of_the_scale(tmp_path: Path) -> None:
    asked = SynthesisExperiment(
        out=tmp_path,
        minutes=3.0,
        folds=4,
        samples=9,
        phantoms=11,
        cohorts=("thorax", "brain", "thorax"),
        workers=2,
    )
    study = asked._study("cpu", Console())
    assert (study.minutes, study.scale.folds, study.scale.samples) == (3.0, 4, 9)
    assert [cohort.name for cohort in study.cohorts] == ["thorax", "brain"]
    assert "11" in study.cohorts[0].jobs[0].command
    assert study.jobs.workers == 2


def test_a_larger_scale_needs_two_sides(tmp_path: Path) -> None:
    study = SynthesisExperiment(out=tmp_path, scale="paper")._study("cpu", Console())
    assert sorted(study.cohorts[0].stores) == [128, 256]
    assert study.minutes is None

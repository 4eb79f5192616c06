"""Flags of the contest."""

from __future__ import annotations

from pathlib import Path

import pytest

from hagan.cli import main


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fold", "3"], "must look like 0/5"),
        (["--seeds", "0"], "--seeds 0 must be at least 1"),
        (["--scans", "0"], "--scans 0 must be at least 1"),
        (["--variants", "hagan", "hagan"], "two have one name"),
        (["--variants", "no such"], "expected one of hagan, paper"),
        (["--variants", "a: nogan"], "there is no such recipe"),
        (["--scale", "paper"], "give --minutes"),
    ],
)
def test_what_means_nothing_is_told_in_one_line(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["experiment", "recipe", "--out", str(tmp_path), *flags]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()

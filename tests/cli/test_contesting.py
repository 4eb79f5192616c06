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
        (["--extractors", "medicalnet"], "--extractors takes auto, or some of random-resnet10"),
        (["--extractors", "auto", "astra-grid"], "--extractors takes auto, or some of"),
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


def test_a_network_whose_weights_are_missing_is_told_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hagan.evaluation import extractors

    monkeypatch.setattr(extractors, "has_astra", lambda: False)
    flags = ["--out", str(tmp_path), "--extractors", "random-resnet10", "astra-grid"]
    assert main.run(["experiment", "recipe", *flags]) == 2
    assert "install hagan[weights]" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()

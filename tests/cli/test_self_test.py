"""`hagan evaluate --self-test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.cli import main

QUICK = ("--extractors", "random-resnet10", "--side", "32", "--count", "11")


def test_it_takes_no_sides_and_not_too_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path))
    assert main.run(["evaluate", "somewhere", "--self-test", *out]) == 2
    assert "leave FAKE and --real out" in capsys.readouterr().err
    assert main.run(["evaluate", "--self-test", "--count", "5", *out]) == 2
    assert "at least 10" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.slow
def test_it_leaves_a_page_and_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hagan.evaluation.inception_score.has_imagenet_classifier", lambda: False)
    out = tmp_path / "out"
    assert main.run(["evaluate", "--self-test", "--out", str(out), *QUICK]) == 0
    printed = capsys.readouterr().out
    assert "random-resnet10: " in printed
    assert "blur-2" in printed
    content = json.loads((out / "self-test.json").read_text())
    (verdict,) = content["fitness"].values()
    assert verdict["extractor"] == "random-resnet10"
    assert (verdict["count"], verdict["side"]) == (11, 32)
    assert "blur-2" not in verdict["missed"]
    assert (out / "self-test.html").stat().st_size > 10_000
    assert len(list((out / "phantoms").glob("*.nii.gz"))) == 33

"""`hagan evaluate` of feature files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hagan.cli import main
from hagan.evaluation.frechet import frechet_distance


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for name, shift in (("fake", 0.5), ("real", 0.0)):
        np.savez(tmp_path / f"{name}.npz", features=rng.normal(shift, 1, (40, 8)))
    return tmp_path / "fake.npz", tmp_path / "real.npz"


def test_the_statistics_alone(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, real = files
    arguments = ["evaluate", str(fake), "--real", str(real), "--preset", "monai"]
    assert main.run([*arguments, "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    fid = printed["sets"][0]["scores"]["given features"]["fid"]
    rows = [np.load(path)["features"] for path in files]
    assert fid["value"] == pytest.approx(frechet_distance(*rows))
    assert printed == json.loads((tmp_path / "out" / "results.json").read_text())


@pytest.mark.slow
def test_a_table_is_printed(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, real = files
    assert main.run(["evaluate", str(fake), "--real", str(real), "--out", str(tmp_path / "o")]) == 0
    printed = capsys.readouterr().out
    assert "coverage" in printed
    assert "wrote results.json" in printed


def test_volumes_do_not_go_with_features(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, real = files
    arguments = ["evaluate", str(fake), "--real", str(real), "--out", str(tmp_path / "o")]
    assert main.run([*arguments, "--fold", "0/5"]) == 2
    assert main.run([*arguments, "--train", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("features go with features") == 2

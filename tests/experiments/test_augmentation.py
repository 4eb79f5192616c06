"""Table V, tiny: phantoms, one generator, two seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.cli import main
from hagan.experiments.augmentation import SHARE, mixtures


def test_sets_have_their_share() -> None:
    found = {one.name: one for one in mixtures(("hagan", "alpha-gan"))}
    assert list(found) == [
        *("real", "real, repeated", "real + hagan", "real + alpha-gan"),
        *("real + hagan, 10%", "real + hagan, 40%"),
    ]
    for one in found.values():
        added = one.added(400)
        assert added / (400 + added) == pytest.approx(one.share, abs=0.002)
    assert found["real + hagan"].share == SHARE


@pytest.mark.long
@pytest.mark.slow
def test_the_whole_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = (
        *("--models", "hagan", "--minutes", "0.03", "--phantoms", "30"),
        *("--seeds", "2", "--device", "cpu", "--workers", "1"),
    )
    command = ["experiment", "augmentation", "--out", str(tmp_path), *flags]
    assert main.run(command) == 0
    results = json.loads((tmp_path / "augmentation/results.json").read_text())
    by_set = {row["set"]: row for row in results["rows"]}
    assert set(by_set) == {one.name for one in mixtures(("hagan",))}
    counts = {name: row["by_seed"][0]["trained_on"] for name, row in by_set.items()}
    real = counts["real"]
    assert counts["real + hagan"] == counts["real, repeated"] == real + round(real / 4)
    assert all(len(row["by_seed"]) == 2 for row in by_set.values())
    assert "spread of seeds" in results["reading"][0]
    text = (tmp_path / "augmentation/results.md").read_text()
    assert "floor: the usual class" in text
    capsys.readouterr()
    assert main.run(command) == 0
    assert "classifier/" not in capsys.readouterr().out


def test_cohorts_without_classes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["experiment", "augmentation", "--out", str(tmp_path), "--cohorts", "brain"]
    assert main.run(command) == 2
    assert "brain phantoms have no classes" in capsys.readouterr().err
    assert main.run([*command[:-1], "thorax", "--seeds", "1"]) == 2
    assert "--seeds 1 must be at least 2" in capsys.readouterr().err

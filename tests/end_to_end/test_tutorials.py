"""Every tutorial runs from its first command to its last, as a reader would type them.

Only the length of training is cut: minutes become a few steps.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from hagan.cli import main

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
SHORTER = {
    r"^(hagan train .*) --minutes \S+": r"\1 --steps 6 --no-tensorboard --device cpu",
    r"^(hagan experiment .*) --minutes \S+": r"\1 --minutes 0.02",
    r"^(hagan evaluate .*)": r"\1 --count 8 --resamples 0 --no-anchors --device cpu",
    r"^(hagan phantom .*) --count (?:40|64)": r"\1 --count 16",
}


def commands(name: str) -> list[str]:
    text = (TUTORIALS / f"{name}.md").read_text("utf-8")
    found = re.findall(r"^ {4}(hagan .*)$", text, re.M)
    assert len(found) >= 3
    for pattern, shorter in SHORTER.items():
        found = [re.sub(pattern, shorter, line) for line in found]
    return found


def test_every_tutorial_is_run() -> None:
    assert {path.stem for path in TUTORIALS.glob("*.md")} == {
        "ten-minutes",
        "own-cts",
        "brains",
        "slurm",
    }


@pytest.mark.long
@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipyniivue", reason="needs the extra notebook")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((TUTORIALS / "first-volumes.ipynb").read_text("utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert "STEPS = 400" in cells[0]
    names: dict[str, object] = {}
    for cell in cells:
        shorter = cell.replace("STEPS = 400", "STEPS = 4")
        exec(shorter.replace("--resamples 0", "--resamples 0 --no-anchors"), names)
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ten-minutes", "own-cts", "brains", "slurm"])
def test_it_runs_as_it_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAGAN_CACHE", str(tmp_path / "cache"))
    for line in commands(name):
        code = main.run(shlex.split(line)[1:])
        told = capfd.readouterr()
        assert code == 0, f"{line}\n{told.out[-2000:]}\n{told.err[-2000:]}"
    text = (TUTORIALS / f"{name}.md").read_text("utf-8")
    for path in re.findall(r"`((?:out|runs|store|scans)/[\w./-]*)`", text):
        assert (tmp_path / path).exists(), path

"""What the demo tells: a sentence that cannot flatter, a montage, losses, and a whole page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from hagan.cli.demo import Demo, Distances, Stage
from hagan.cli.demo_report import loss_curves, sentence, write_montage, write_report
from hagan.config.run_dir import RunDir


def test_the_sentence_says_which_way_it_went() -> None:
    assert "are closer to" in sentence(Distances(1.0, 2.0, 0.5, 4))
    for trained in (2.0, 3.0):
        assert "are NOT closer to" in sentence(Distances(trained, 2.0, 0.5, 4))


def test_losses_are_drawn_a_panel_a_player(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    lines = [
        {"step": step, "generator/fool": 1 / step, "generator/gradient": 1.0, "critic/real": step}
        for step in (1, 2, 3)
    ]
    # A player that rested at first, and one that has no turn at last.
    lines[2]["encoder/slab"] = lines[0].pop("critic/real")
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "a.png").write_bytes(loss_curves(run))
    with PIL.Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 3.2 * picture.height


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """A demo whose volumes are there without any training."""
    rng = np.random.default_rng(0)

    def volumes(_: Demo) -> list[NDArray[np.float32]]:
        return [rng.uniform(-1, 1, (32, 32, 32)).astype(np.float32) for _ in range(4)]

    for name in ("held_out", "rebuilt", "generated"):
        monkeypatch.setattr(Demo, name, volumes)
    return Demo(out=tmp_path, count=7, steps=11)


def test_the_montage_says_that_it_is_synthetic(made: Demo) -> None:
    write_montage(made)
    with PIL.Image.open(made.out / "montage.png") as picture:
        assert picture.info["Synthetic"] == "yes"
        assert np.asarray(picture).std() > 10


def test_the_page_has_the_figures_stages_and_commands_of_its_own_demo(made: Demo) -> None:
    """A run that was stopped before its first line has no losses to show, and the page is whole."""
    write_montage(made)
    stages = [Stage("phantoms", 1.5), Stage("train", 61.25)]
    write_report(made, stages, Distances(3.125, 2.0, 0.5, 4))
    page = (made.out / "report.html").read_text()
    assert "11 steps on 7 thorax phantoms of 32 x 32 x 32 voxels" in page
    assert "are NOT closer to" in page
    assert "n = 4" in page
    assert all(text in page for text in ("3.12", "61.2", "<td>train</td>"))
    assert "--steps 11" in page
    assert "none of it is for clinical use" in page
    assert "Losses" not in page
    RunDir(made.out / "run").path.mkdir()
    line = {"step": 1, "generator/fool": 0.5}
    RunDir(made.out / "run").metrics.write_text(json.dumps(line) + "\n")
    write_report(made, stages, Distances(1.0, 2.0, 0.5, 4))
    page = (made.out / "report.html").read_text()
    assert "Losses of each player by step." in page
    assert "are closer to" in page

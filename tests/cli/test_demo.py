"""`hagan demo`: every stage leaves its files, and the last check can fail."""

from __future__ import annotations

import base64
import shlex
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from hagan.cli import main
from hagan.cli.demo import Demo, DemoFailedError, Distances, Stages
from hagan.data.formats import read_scan
from hagan.data.store import Store, fold_of
from hagan.inference.export import read_manifest


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo of six steps, whether or not they helped."""
    demo = Demo(out=tmp_path_factory.mktemp("demo"), count=8, steps=6, generate=4)
    # Six steps need not help; every file is there before that is told.
    with suppress(DemoFailedError):
        assert demo.run() == 0
    return demo


@pytest.mark.slow
def test_every_stage_leaves_its_files(finished: Demo) -> None:
    out = finished.out
    assert len(list((out / "phantoms").glob("*.nii.gz"))) == 8
    assert len(Store.open(out / "store").entries) == 8
    assert (out / "run" / "weights" / "model.safetensors").is_file()
    assert sorted(path.name for path in (out / "generated").glob("*.nii.gz")) == [
        f"{index:04d}.nii.gz" for index in range(4)
    ]
    held = {f"thorax-{n:04d}.nii.gz" for n in range(8) if fold_of(f"thorax-{n:04d}") == 0}
    rebuilt = read_manifest(out / "rebuilt")
    assert rebuilt is not None
    assert {row.source for row in rebuilt.rows} == held
    for file in (out / "generated").glob("*.nii.gz"):
        voxels = read_scan(file).voxels
        assert -1024 <= voxels.min() < voxels.max() <= 600


@pytest.mark.slow
def test_the_comparison_uses_as_many_of_each(finished: Demo) -> None:
    distances = finished.compare()
    assert distances.count == min(len(finished.held_out()), 4)
    assert len(finished.generated()) == 4
    assert all(d > 0 for d in (distances.trained, distances.untrained, distances.floor))
    assert distances.floor < distances.untrained
    assert finished.compare() == distances


@pytest.mark.slow
def test_what_is_read_back_is_what_the_model_made(finished: Demo) -> None:
    for volume in (*finished.generated(), *finished.rebuilt(), *finished.held_out()):
        assert volume.shape == (32, 32, 32)
        assert -1 <= volume.min() < volume.max() <= 1


@pytest.mark.slow
def test_the_report_holds_pictures_numbers_and_commands(finished: Demo) -> None:
    page = (finished.out / "report.html").read_text()
    montage = (finished.out / "montage.png").read_bytes()
    assert base64.b64encode(montage).decode() in page
    with PIL.Image.open(finished.out / "montage.png") as picture:
        assert picture.info["Synthetic"] == "yes"
        assert np.asarray(picture).std() > 10
    distances = finished.compare()
    assert f"{distances.trained:.3g}" in page
    assert "none of it is for clinical use" in page
    assert "hagan train hagan-tiny-32 --store" in page
    assert (finished.out / "evaluation" / "report.html").is_file()
    for stage in ("phantoms", "prepare", "train", "generate", "reconstruct", "evaluate"):
        assert f"<td>{stage}</td>" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.slow
def test_a_second_call_goes_on_with_what_is_there(
    finished: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def times() -> dict[str, int]:
        kept = [*(finished.out / "phantoms").glob("*.nii.gz"), *finished.out.glob("store/*.npy")]
        kept += (finished.out / "generated").glob("*.nii.gz")
        return {str(path): path.stat().st_mtime_ns for path in kept}

    before = times()
    monkeypatch.setattr(Demo, "compare", lambda self: Distances(1.0, 2.0, 0.5, 4))
    assert finished.run() == 0
    assert times() == before


@pytest.mark.slow
def test_training_that_did_not_help_fails_after_the_report(
    finished: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Demo, "compare", lambda self: Distances(2.0, 2.0, 0.5, 4))
    (finished.out / "report.html").unlink()
    flags = ["--count", "8", "--steps", "6", "--generate", "4"]
    assert main.run(["demo", "--out", str(finished.out), *flags]) == 1
    captured = capsys.readouterr()
    assert "hagan: training did not bring generated volumes closer" in captured.err
    assert "NOT closer" in captured.out
    assert "NOT closer" in (finished.out / "report.html").read_text()


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phantoms = tmp_path / "phantoms"
    assert main.run(["phantom", "thorax", str(phantoms), "--count", "1", "--side", "32"]) == 0
    (phantoms / "bad.nii.gz").write_text("a text")
    assert main.run(["demo", "--out", str(tmp_path), "--count", "1", "--steps", "1"]) == 1
    captured = capsys.readouterr()
    assert "E102 bad.nii.gz" in captured.out
    assert captured.err.startswith("hagan: `hagan prepare ")
    assert "ended with exit code 3" in captured.err


def test_a_file_in_the_folders_place_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    assert main.run(["demo", "--out", str(tmp_path / "out")]) == 5


def test_each_stage_is_a_command_line_that_parses(tmp_path: Path) -> None:
    demo = Demo(out=tmp_path, seed=3)
    commands = demo.commands()
    assert list(commands) == [
        *("phantoms", "prepare", "train", "generate", "reconstruct", "evaluate")
    ]
    for command in commands.values():
        assert main.parse(command)
    for stage in ("phantoms", "train", "generate"):
        assert shlex.join(commands[stage]).endswith("--seed 3")


def test_stages_are_printed_with_command_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    stages = Stages(Console())
    with stages.stage("one", ["info", "a b"]):
        pass
    printed = capsys.readouterr().out
    assert "== one" in printed
    assert "$ hagan info 'a b'" in printed
    assert [stage.name for stage in stages.done] == ["one"]
    assert 0 <= stages.done[0].seconds < 5

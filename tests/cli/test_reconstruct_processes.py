"""`hagan reconstruct` in several processes leaves the folder that one process leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.together import content, hagan
from hagan.cli import main
from hagan.errors import LostProcessError
from hagan.inference.export import read_manifest
from inference.made import save_ct

pytestmark = pytest.mark.slow


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two of one name in the first round, a bad one and one of that name again in the second."""
    folder = tmp_path / "scans"
    save_ct(folder / "a" / "b.nii.gz", 0)
    save_ct(folder / "a_b.nii.gz", 1)
    (folder / "bad.nii.gz").write_text("a text")
    save_ct(folder / "a_b.nii", 2)
    save_ct(folder / "z.nii.gz", 3)
    return folder


def alone(run: Path, scans: Path, out: Path) -> dict[str, bytes]:
    assert main.run(["reconstruct", str(run), str(scans), str(out)]) == 3
    return content(out)


def test_the_folder_is_that_of_one_process(run: Path, scans: Path, tmp_path: Path) -> None:
    ended = hagan("reconstruct", run, scans, tmp_path / "two", "--stream", "always")
    assert [process.returncode for process in ended] == [3, 3], ended
    assert content(tmp_path / "two") == alone(run, scans, tmp_path / "one")
    assert "E102 bad.nii.gz" in ended[0].stdout
    assert "Wrote 4 reconstructions" in ended[0].stdout
    assert (ended[1].stdout, ended[1].stderr) == ("", "")


def test_one_process_completes_what_several_began(run: Path, scans: Path, tmp_path: Path) -> None:
    ended = hagan("reconstruct", run, scans, tmp_path / "begun", dying=(0, 2))
    assert [process.returncode for process in ended] == [9, LostProcessError.exit_code], ended
    manifest = read_manifest(tmp_path / "begun")
    assert manifest is not None
    assert len(manifest.rows) == 2
    assert alone(run, scans, tmp_path / "begun") == alone(run, scans, tmp_path / "whole")


def test_a_model_without_encoder_is_told_once(
    run_without_encoder: Path, scans: Path, tmp_path: Path
) -> None:
    ended = hagan("reconstruct", run_without_encoder, scans, tmp_path / "out")
    assert [process.returncode for process in ended] == [2, 2]
    assert "has no encoder" in ended[0].stderr + ended[1].stderr
    assert (ended[0].stderr + ended[1].stderr).count("\n") == 1
    assert not (tmp_path / "out").exists()

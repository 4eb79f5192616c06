"""What a folder of results holds is found by what it is, not by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from hagan.app import finding
from hagan.app.finding import find, is_direction


def test_one_of_everything(shelf: Path) -> None:
    found = find(shelf)
    assert [one.name for one in found.runs] == ["run"]
    kinds = {one.name: (one.kind, len(one.volumes)) for one in found.collections}
    assert kinds == {
        "new": ("generated", 2),
        "scans": ("scans", 2),
        "scans/series": ("scans", 1),
        "store": ("store", 6),
    }
    assert [one.name for one in found.directions] == ["lung.npz"]
    (report,) = found.reports
    assert report.page is not None
    assert report.results is not None
    assert not found.truncated


def test_one_file(shelf: Path, tmp_path: Path) -> None:
    scan = find(shelf / "scans" / "bad.nii.gz")
    assert [one.name for one in scan.collections[0].volumes] == ["bad"]
    assert len(find(shelf / "run" / "weights" / "model.safetensors").runs) == 1
    assert len(find(shelf / "lung.npz").directions) == 1
    assert find(shelf / "report" / "report.html").reports[0].results is None
    assert find(shelf / "report" / "results.json").reports[0].page is None


def test_links_out_and_hidden_things_are_not_found(shelf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    (folder / ".hidden").mkdir(parents=True)
    scan = shelf / "scans" / "good.nii.gz"
    (folder / "out.nii.gz").symlink_to(scan)
    (folder / "outside").symlink_to(shelf, target_is_directory=True)
    (folder / ".hidden" / "a.nii.gz").write_bytes(scan.read_bytes())
    assert find(folder).collections == ()
    (folder / "own.nii.gz").write_bytes(scan.read_bytes())
    (folder / "again.nii.gz").symlink_to(folder / "own.nii.gz")
    assert [one.name for one in find(folder).collections[0].volumes] == ["again", "own"]


def test_somebodys_disk_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_FOLDERS", 5)
    for number in range(9):
        (tmp_path / str(number)).mkdir()
    assert find(tmp_path).truncated
    deep = tmp_path / "0" / Path(*"abcdefghij")
    deep.mkdir(parents=True)
    assert find(tmp_path / "0").truncated


def test_other_archives_are_no_directions(shelf: Path, tmp_path: Path) -> None:
    assert is_direction(shelf / "lung.npz")
    (tmp_path / "codes.npz").write_bytes(b"PK")
    assert not is_direction(tmp_path / "codes.npz")
    assert not is_direction(shelf / "scans" / "good.nii.gz")

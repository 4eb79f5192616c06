from __future__ import annotations

import shutil
from pathlib import Path

from pydicom.dataset import Dataset

from data.made import save_series
from hagan.data.dicom_series import find_series


def test_series_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    save_series(tmp_path / "a")
    for path in save_series(tmp_path / "b").iterdir():
        path.rename(tmp_path / "a" / f"b{path.name}")
    series, unreadable = find_series((tmp_path / "a").iterdir())
    assert [len(item.files) for item in series] == [12, 12]
    assert all(item.is_scan and item.number == "3" for item in series)
    assert not unreadable


def test_a_series_that_is_spread_over_folders_is_one(tmp_path: Path) -> None:
    files = sorted(save_series(tmp_path / "s").iterdir())
    for number, path in enumerate(files):
        home = tmp_path / "s" / f"part{number // 5}"
        home.mkdir(exist_ok=True)
        path.rename(home / path.name)
    ((series,), _) = find_series((tmp_path / "s").rglob("*.dcm"))
    assert len(series.files) == 12


def test_copies_of_a_series_stay_apart(tmp_path: Path) -> None:
    save_series(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    series, _ = find_series(tmp_path.rglob("*.dcm"))
    assert [len(item.files) for item in series] == [12, 12]


def test_localizers_and_reports_are_left_out(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        if number == 0:
            data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        if number == 1:
            data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
            del data.Rows

    ((series,), unreadable) = find_series(save_series(tmp_path / "s", change=change).iterdir())
    assert len(series.files) == 10
    assert not unreadable


def test_a_slice_cut_within_its_header_is_not_taken_for_a_report(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "s")
    path = sorted(folder.iterdir())[4]
    for length in (300, 500, 900):
        path.write_bytes(path.read_bytes()[:length])
        _, unreadable = find_series(folder.iterdir())
        assert list(unreadable) == [path]
        assert unreadable[path].code in ("E101", "E109")

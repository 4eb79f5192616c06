from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from data.made import save_series, save_thorax
from hagan.data.scans import Scan, find_scans
from hagan.errors import BadInputError


def by_name(root: Path) -> dict[str, Scan]:
    return {scan.name: scan for scan in find_scans(root)}


def fault_of(scan: Scan) -> str:
    assert scan.fault is not None
    return scan.fault.code


def test_scans_of_all_kinds_are_found_and_what_lies_beside_is_passed_over(tmp_path: Path) -> None:
    save_thorax(tmp_path / "a.nii.gz")
    save_thorax(tmp_path / "deep" / "er" / "b.nii")
    save_series(tmp_path / "series")
    for name in ("notes.txt", "table.csv", ".hidden.nii", "README", "a.json", "DICOMDIR"):
        (tmp_path / name).write_text("x")
    scans = by_name(tmp_path)
    assert list(scans) == ["a.nii.gz", "deep/er/b.nii", "series"]
    assert all(scan.fault is None for scan in scans.values())
    assert len(scans["series"].slices) == 12


def test_every_bad_thing_gets_its_line(tmp_path: Path) -> None:
    save_thorax(tmp_path / "good.nii.gz")
    (tmp_path / "scan.xyz").write_text("x")
    (tmp_path / "scan.nii.txt").write_text("x")
    (tmp_path / "text.dcm").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    codes = {name: fault_of(scan) for name, scan in by_name(tmp_path).items() if scan.fault}
    assert codes == {
        "scan.xyz": "E103",
        "scan.nii.txt": "E103",
        "text.dcm": "E102",
        "empty": "E110",
        "gone": "E101",
    }


def test_a_slice_that_cannot_be_read_spoils_its_series(tmp_path: Path) -> None:
    save_series(tmp_path / "good")
    last = sorted(save_series(tmp_path / "bad").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:300])
    scans = by_name(tmp_path)
    assert scans["good"].fault is None
    assert scans["bad"].fault is not None
    assert last.name in scans["bad"].fault.message
    assert len(scans) == 2


def test_other_objects_of_a_study_are_no_scans(tmp_path: Path) -> None:
    save_series(tmp_path / "study" / "ct")
    study: list[str] = []

    def same_study(data: Dataset, number: int) -> None:
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        study.append(data.StudyInstanceUID)

    save_series(tmp_path / "study" / "report", change=same_study)
    # Of another study: a line of its own.
    assert [scan.name for scan in find_scans(tmp_path)] == ["study/ct", "study/report"]


def test_two_series_in_a_folder_are_two_scans(tmp_path: Path) -> None:
    def second(data: Dataset, number: int) -> None:
        data.SeriesNumber = 7

    save_series(tmp_path / "p1")
    for path in save_series(tmp_path / "x", change=second).iterdir():
        path.rename(tmp_path / "p1" / f"x{path.name}")
    shutil.rmtree(tmp_path / "x")
    assert list(by_name(tmp_path)) == ["p1/series-3", "p1/series-7"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    save_thorax(tmp_path / "in" / "a.nii")
    (tmp_path / "in" / "circle").symlink_to(tmp_path)
    assert list(by_name(tmp_path)) == ["in/a.nii"]


def test_subjects_by_name(tmp_path: Path) -> None:
    for name in ("sub-01/ses-1/sub-01_ses-1_T1w.nii", "x/one.nii", "p1/T1.nii", "p2/T1.nii"):
        save_thorax(tmp_path / name)
    assert [scan.subject for scan in find_scans(tmp_path)] == ["p1", "p2", "sub-01", "one"]


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no scan"):
        find_scans(tmp_path)
    with pytest.raises(BadInputError, match="does not exist"):
        find_scans(tmp_path / "absent")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(BadInputError, match="no scan"):
        find_scans(tmp_path)


def test_a_single_file_is_a_cohort_of_one(tmp_path: Path) -> None:
    (scan,) = find_scans(save_thorax(tmp_path / "a.nii.gz"))
    assert (scan.name, scan.subject) == ("a.nii.gz", "a")
    assert scan.read().shape == (12, 24, 20)


def test_only_the_raw_scans_of_a_bids_data_set_count(tmp_path: Path) -> None:
    for name in ("sub-01/anat/sub-01_T1w", "sub-01/func/sub-01_bold", "sub-02/anat/sub-02_T1w"):
        save_thorax(tmp_path / f"{name}.nii.gz")
    save_thorax(tmp_path / "derivatives" / "masks" / "sub-01" / "sub-01_desc-brain_mask.nii.gz")
    assert len(find_scans(tmp_path)) == 4
    (tmp_path / "dataset_description.json").write_text("{}")
    assert len(find_scans(tmp_path)) == 3
    kept = find_scans(tmp_path, "*_T1w*")
    assert [(scan.subject, scan.name) for scan in kept] == [
        ("sub-01", "sub-01/anat/sub-01_T1w.nii.gz"),
        ("sub-02", "sub-02/anat/sub-02_T1w.nii.gz"),
    ]
    assert [scan.name for scan in find_scans(tmp_path, "*/func/*")] == [
        "sub-01/func/sub-01_bold.nii.gz"
    ]
    with pytest.raises(BadInputError, match=r"none of the 3 scans .* matches '\*_T2w\*'"):
        find_scans(tmp_path, "*_T2w*")
    # The derivatives are a data set of their own when they are asked for.
    assert len(find_scans(tmp_path / "derivatives")) == 1

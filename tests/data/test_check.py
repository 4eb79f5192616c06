from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from data.made import save_nifti, save_series, save_thorax, thorax
from hagan.data.check import WARNINGS, ScanRow, check_scans, identifying


def rows_of(folder: Path) -> dict[str, ScanRow]:
    return {row.scan: row for row in check_scans(folder)}


def codes_of(row: ScanRow) -> list[str]:
    return [warning[:4] for warning in row.warnings]


def test_a_row_says_what_is_in_the_file(tmp_path: Path) -> None:
    save_thorax(tmp_path / "a.nii.gz")
    save_series(tmp_path / "b")
    rows = rows_of(tmp_path)
    assert rows["a.nii.gz"].shape == (20, 24, 12)
    assert rows["a.nii.gz"].spacing == (2, 2, 5)
    assert rows["a.nii.gz"].orientation == "LPS"
    assert (rows["a.nii.gz"].low, rows["a.nii.gz"].high) == (thorax().min(), thorax().max())
    assert rows["b"].modality == "ct"
    assert rows["b"].orientation == "SPL"
    assert not any(row.code for row in rows.values())


def test_faults_have_their_code_and_nothing_is_written(tmp_path: Path) -> None:
    save_thorax(tmp_path / "good.nii.gz")
    (tmp_path / "text.nii.gz").write_text("x")
    (tmp_path / "odd.xyz").write_text("x")

    def shifted(data: Dataset, number: int) -> None:
        data.RescaleIntercept = 0

    save_series(tmp_path / "shifted", change=shifted)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    codes = {row.scan: row.code for row in check_scans(tmp_path)}
    assert codes == {
        "good.nii.gz": "", "odd.xyz": "E103", "shifted": "E117", "text.nii.gz": "E102"
    }  # fmt: skip
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_copies_are_found_in_another_format_name(tmp_path: Path) -> None:
    save_thorax(tmp_path / "a.nii.gz")
    shutil.copy(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    save_thorax(tmp_path / "c.nii", seed=0)
    save_thorax(tmp_path / "d.nii", seed=1)
    codes = {name: codes_of(row) for name, row in rows_of(tmp_path).items()}
    assert codes == {"a.nii.gz": [], "b.nii.gz": ["W204"], "c.nii": ["W204"], "d.nii": []}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DOE_19580214.nii.gz", "W201"),
        ("x/14.02.1958/a.nii", "W201"),
        ("1958-02-14_T1.nii", "W201"),
        ("MRN8812345.nii", "W202"),
        ("IXI012-HH-1211_T1.nii.gz", ""),
        ("sub-01_ses-02_T1w.nii.gz", ""),
        ("Lung_Dx-A0001_256.nii.gz", ""),
    ],
)
def test_names_that_tell_too_much(name: str, code: str) -> None:
    found = identifying(name)
    assert [text[:4] for text in found] == ([code] if code else [])
    assert all(text[:4] in WARNINGS for text in found)


def test_dicom_that_names_its_patient(tmp_path: Path) -> None:
    def named(data: Dataset, number: int) -> None:
        data.PatientName, data.PatientBirthDate = "DOE^JANE", "19500131"

    save_series(tmp_path / "named", change=named)
    save_series(tmp_path / "pseudonym", thorax(seed=2))
    rows = rows_of(tmp_path)
    assert codes_of(rows["named"]) == ["W203"]
    assert "PatientName" in rows["named"].warnings[0]
    assert "DOE" not in rows["named"].warnings[0]
    assert codes_of(rows["pseudonym"]) == []


def test_oblique_scans_are_told(tmp_path: Path) -> None:
    angle = np.radians(12)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    save_nifti(tmp_path / "a.nii", thorax(), affine)
    (row,) = check_scans(tmp_path)
    assert codes_of(row) == ["W205"]
    assert "12 degrees" in row.warnings[0]

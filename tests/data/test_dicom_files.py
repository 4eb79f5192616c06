from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from data.made import save_series
from hagan.data.dicom_files import damage_named, identity_of, looks_like_dicom, read_dataset
from hagan.errors import ScanError


def test_dicom_is_known_by_its_content(tmp_path: Path) -> None:
    slice_file = next(save_series(tmp_path / "s").iterdir())
    nameless = tmp_path / "IM0001"
    nameless.write_bytes(slice_file.read_bytes())
    (tmp_path / "text.dcm").write_text("a text")
    assert looks_like_dicom(nameless)
    assert not looks_like_dicom(tmp_path / "text.dcm")


def test_dicom_without_its_preamble_is_known(tmp_path: Path) -> None:
    slice_file = next(save_series(tmp_path / "s").iterdir())
    bare = tmp_path / "bare.dcm"
    bare.write_bytes(slice_file.read_bytes()[132:])
    assert looks_like_dicom(bare)
    assert read_dataset(bare, tags=["Rows"]).Rows == 24


def test_who_the_patient_is(tmp_path: Path) -> None:
    def change(data: Dataset, number: int) -> None:
        data.PatientName, data.PatientBirthDate = "DOE^JANE", "19500131"

    path = next(save_series(tmp_path / "s", change=change).iterdir())
    identity = identity_of(path)
    assert identity["PatientName"] == "DOE^JANE"
    assert identity["PatientBirthDate"] == "19500131"
    assert "PatientAddress" not in identity


def test_an_absent_file_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"^E101 absent\.dcm"):
        read_dataset(tmp_path / "absent.dcm")


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), EOFError(), ValueError("a\nb")])
def test_whatever_pydicom_raises_on_damage_is_one_line(error: Exception) -> None:
    def read_damaged() -> None:
        with damage_named("scan"):
            warnings.warn("odd value", stacklevel=1)
            raise error

    with pytest.raises(ScanError, match="E109 scan: damaged DICOM") as caught:
        read_damaged()
    assert "\n" not in str(caught.value)

"""A DICOM series of a synthetic volume: read back, marked, and checked by an independent tool."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from data.made import thorax
from hagan.data.dicom_write import SYNTHETIC_DATA, Marks, write_series
from hagan.data.formats import read_scan
from hagan.data.volume import Volume
from hagan.errors import DiskError, UsageError

MARKS = Marks("generated; no source image", "0003", "ab" * 32)


def affine(spacing: tuple[float, float, float], tilt: float = 0.0) -> np.ndarray:
    """Axes S, P, L, turned about the patient's left."""
    axes = np.zeros((4, 4))
    axes[(2, 1, 0), (0, 1, 2)] = np.array(spacing) * (1, -1, -1)
    c, s = np.cos(tilt), np.sin(tilt)
    turn = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1.0]])
    found = turn @ axes
    found[:3, 3] = (31.5, -12.25, -97.125)
    found[3, 3] = 1
    return found


def ct(tilt: float = 0.0) -> Volume:
    return Volume(thorax().astype(np.float32), affine((2.5, 0.75, 0.7), tilt), "ct")


def mr() -> Volume:
    voxels = np.random.default_rng(0).uniform(0, 3.7, (9, 12, 10)).astype(np.float32)
    return Volume(voxels, affine((1.5, 1.0, 1.25)), "mr")


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_hounsfield_units_and_geometry_come_back(tmp_path: Path, tilt: float) -> None:
    volume = ct(tilt)
    write_series(volume, tmp_path / "a", MARKS)
    found = read_scan(tmp_path / "a")
    assert found.modality == "ct"
    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_allclose(found.affine, volume.affine, atol=1e-5)


def test_mr_comes_back_to_a_level_and_whole_numbers_exactly(tmp_path: Path) -> None:
    volume = mr()
    write_series(volume, tmp_path / "a", MARKS)
    found = read_scan(tmp_path / "a")
    assert found.modality == "mr"
    np.testing.assert_allclose(found.voxels, volume.voxels, atol=3.7 / 4095 * 0.51)
    np.testing.assert_allclose(found.affine, volume.affine, atol=1e-5)
    whole = Volume(np.rint(100 * volume.voxels), volume.affine, "mr")
    write_series(whole, tmp_path / "b", MARKS)
    np.testing.assert_array_equal(read_scan(tmp_path / "b").voxels, whole.voxels)


def test_every_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    write_series(ct(), tmp_path / "a", MARKS)
    files = sorted((tmp_path / "a").iterdir())
    assert len(files) == 12
    uids = set()
    for path in files:
        data = pydicom.dcmread(path)
        assert data[SYNTHETIC_DATA].value == "YES"
        assert data.ImageType[:2] == ["DERIVED", "SECONDARY"]
        assert str(data.PatientName) == "SYNTHETIC^HAGAN"
        assert data.PatientID == "SYN-0003"
        assert data.QualityControlSubject == "YES"
        assert "NOT FOR CLINICAL USE" in data.SeriesDescription
        assert data.DerivationDescription == "generated; no source image"
        (equipment,) = data.ContributingEquipmentSequence
        assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
        assert "ab" * 32 in equipment.ContributionDescription
        uids.add(data.SOPInstanceUID)
        assert len(data.SOPInstanceUID) <= 64
    assert len(uids) == 12


def test_no_uid_is_used_twice(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        write_series(ct(), tmp_path / name, MARKS)
        for path in (tmp_path / name).iterdir():
            data = pydicom.dcmread(path)
            found.append((data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID))
    studies, series, instances = (set(part) for part in zip(*found, strict=True))
    assert (len(studies), len(series), len(instances)) == (2, 2, 24)
    assert not studies & series


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(ct(), tmp_path / "a", MARKS)
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    save = pydicom.dataset.FileDataset.save_as

    def full(self: pydicom.dataset.FileDataset, path: Path, **flags: bool) -> None:
        if path.name == "0005.dcm":
            raise OSError(28, "No space left on device", str(path))
        save(self, path, **flags)

    monkeypatch.setattr(pydicom.dataset.FileDataset, "save_as", full)
    with pytest.raises(DiskError, match="the disk is full"):
        write_series(ct(), tmp_path / "a", MARKS)
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_dicom_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CT or MR"):
        write_series(Volume(ct().voxels, ct().affine), tmp_path / "a", MARKS)
    sheared = ct().affine.copy()
    sheared[0, 0] += 0.3
    with pytest.raises(UsageError, match="sheared"):
        write_series(Volume(ct().voxels, sheared, "ct"), tmp_path / "a", MARKS)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is absent")
@pytest.mark.parametrize("kind", ["ct", "mr"])
def test_an_independent_validator_finds_only_the_new_element(tmp_path: Path, kind: str) -> None:
    """Synthetic Data is younger than Debian's validator."""
    volume = ct() if kind == "ct" else replace(mr(), voxels=np.rint(100 * mr().voxels))
    marks = replace(MARKS, body_part="CHEST" if kind == "ct" else "BRAIN")
    write_series(volume, tmp_path / "a", marks)
    path = str(sorted((tmp_path / "a").iterdir())[3])
    told = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    lines = [line for line in (told.stdout + told.stderr).splitlines() if line]
    faults = [line for line in lines if line.startswith(("Error", "Warning"))]
    odd = [
        line
        for line in faults
        if "0x0008,0x001c" not in line.lower() and "Standard Extended SOP Class" not in line
    ]
    assert not odd, "\n".join(lines)


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_simpleitk_reads_the_same_voxels_at_the_same_place(tmp_path: Path, tilt: float) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="needs the extra itk")
    volume = ct(tilt)
    write_series(volume, tmp_path / "a", MARKS)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "a")))
    image = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.voxels)
    np.testing.assert_allclose(image.GetSpacing()[::-1], volume.spacing, rtol=1e-5)
    for index in ((0, 0, 0), (11, 23, 19), (4, 20, 7)):
        x, y, z = image.TransformIndexToPhysicalPoint(index[::-1])
        np.testing.assert_allclose((-x, -y, z), (volume.affine @ (*index, 1))[:3], atol=1e-3)


@pytest.mark.parametrize("kind", ["ct", "mr"])
def test_dcm2niix_converts_to_the_same_volume(tmp_path: Path, kind: str) -> None:
    converter = shutil.which("dcm2niix", path=str(Path(sys.executable).parent)) or shutil.which(
        "dcm2niix"
    )
    if converter is None:
        pytest.skip("dcm2niix is absent")
    volume = ct() if kind == "ct" else replace(mr(), voxels=np.rint(100 * mr().voxels))
    write_series(volume, tmp_path / "a", MARKS)
    (tmp_path / "out").mkdir()
    command = [converter, "-z", "n", "-b", "n", "-f", "x", "-o", tmp_path / "out", tmp_path / "a"]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (tmp_path / "out").iterdir()
    found = read_scan(path)
    np.testing.assert_allclose(found.voxels, volume.voxels, atol=1e-3)
    np.testing.assert_allclose(found.affine, volume.affine, atol=1e-3)

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from data.made import thorax
from hagan.data.formats import read_as_stored, read_scan, write_scan
from hagan.data.prepare_scan import _hash
from hagan.data.scans import find_scans
from hagan.data.volume import Volume
from hagan.errors import ScanError

sitk = pytest.importorskip("SimpleITK", reason="needs the extra itk")

SUFFIXES = [".nrrd", ".nhdr", ".mha", ".mhd"]


def save(path: Path, *, packed: bool = False, turn: float = 0.0) -> Path:
    """Write a thorax [slice, row, column] with SimpleITK itself, oblique by an angle about x."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(thorax())
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-10, -20, -112.5))
    cos, sin = float(np.cos(np.radians(turn))), float(np.sin(np.radians(turn)))
    image.SetDirection((1, 0, 0, 0, cos, -sin, 0, sin, cos))
    sitk.WriteImage(image, str(path), useCompression=packed)
    return path


@pytest.mark.parametrize(
    ("suffix", "packed", "turn"), [*itertools.product(SUFFIXES, (False, True), (0, 25))]
)
def test_voxels_and_place_are_those_that_were_written(
    tmp_path: Path, suffix: str, packed: bool, turn: float
) -> None:
    volume = read_as_stored(save(tmp_path / f"a{suffix}", packed=packed, turn=turn))
    np.testing.assert_array_equal(volume.voxels, thorax())
    assert volume.modality == "unknown"
    image = sitk.ReadImage(str(tmp_path / f"a{suffix}"))
    for index in ((0, 0, 0), (11, 0, 3), (4, 20, 7)):
        lps = image.TransformIndexToPhysicalPoint(index[::-1])
        expected = (-lps[0], -lps[1], lps[2])
        np.testing.assert_allclose((volume.affine @ (*index, 1))[:3], expected, atol=1e-6)


def test_the_same_scan_in_another_format_is_the_same(tmp_path: Path) -> None:
    volume = read_scan(save(tmp_path / "a.nrrd"))
    write_scan(Volume(volume.voxels, volume.affine, "ct"), tmp_path / "b.nii.gz")
    other = read_scan(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(volume.voxels, other.voxels)
    np.testing.assert_allclose(volume.affine, other.affine, atol=1e-5)


def test_detached_voxels_are_found_and_belong_to_the_scan(tmp_path: Path) -> None:
    save(tmp_path / "in" / "s1.mhd")
    save(tmp_path / "in" / "s2.nhdr", packed=True)
    scans = find_scans(tmp_path / "in")
    assert [(scan.name, scan.fault) for scan in scans] == [("s1.mhd", None), ("s2.nhdr", None)]
    assert [len(scan.files) for scan in scans] == [2, 2]
    before = _hash(scans[0])
    with (tmp_path / "in" / "s1.raw").open("r+b") as stream:
        stream.write(b"\1\2\3")
    assert _hash(scans[0]) != before
    (tmp_path / "in" / "s1.raw").unlink()
    with pytest.raises(ScanError, match=r"^E101 s1.mhd: its voxels, s1.raw, are not beside it"):
        scans[0].read()


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("packed", [False, True])
def test_damage_is_refused(tmp_path: Path, suffix: str, packed: bool) -> None:
    path = save(tmp_path / f"a{suffix}", packed=packed)
    whole = path.read_bytes()
    for kept in (len(whole) - 300, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(ScanError, match=r"^E10[19] a\."):
            read_as_stored(path)
    path.write_text("a text of somebody")
    with pytest.raises(ScanError, match=r"^E102"):
        read_as_stored(path)


@pytest.mark.parametrize(
    ("code", "suffix", "old", "new"),
    [
        ("E107", ".nrrd", b"sizes: 20 24 12", b"sizes: 9999 9999 9999"),
        ("E107", ".mha", b"DimSize = 20 24 12", b"DimSize = 32767 32767 32767"),
        ("E108", ".nrrd", b"space directions: ", b"#pace directions: "),
        ("E108", ".mha", b"TransformMatrix = 1 0 0 0 1 0 0 0 1\n", b""),
        ("E104", ".mhd", b"ElementDataFile = a.raw", b"ElementDataFile = LIST"),
        ("E104", ".mhd", b"ElementDataFile = a.raw", b"ElementDataFile = ../a.raw"),
        ("E104", ".mhd", b"ElementDataFile = a.raw", b"ElementDataFile = a%03d.raw 1 9 1"),
    ],
)
def test_headers_that_cannot_be(
    tmp_path: Path, code: str, suffix: str, old: bytes, new: bytes
) -> None:
    path = save(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(ScanError, match=f"^{code}"):
        read_as_stored(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_vectors_and_time_points_are_no_volume(tmp_path: Path, suffix: str) -> None:
    vector = sitk.GetImageFromArray(np.zeros((5, 6, 7, 3), np.float32), isVector=True)
    series = sitk.JoinSeries([sitk.GetImageFromArray(np.zeros((5, 6, 7), np.float32))] * 3)
    for number, image in enumerate((vector, series)):
        path = tmp_path / f"{number}{suffix}"
        sitk.WriteImage(image, str(path))
        with pytest.raises(ScanError, match=r"^E104"):
            read_as_stored(path)

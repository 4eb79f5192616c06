"""Volumes as they are sent: true voxels and geometry, read once, within bounds."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.app.found import FoundVolume
from hagan.app.volumes import CT_WINDOWS, Served, Volumes, robust_range
from hagan.data.formats import read_scan
from hagan.data.volume import Volume
from hagan.errors import ScanError


def made(kind: str, value: float = 0.0) -> Volume:
    rng = np.random.default_rng(0)
    affine = np.array([[0, 0, -2.0, 9], [0, -1.5, 0, 7], [4, 0, 0, -3], [0, 0, 0, 1]])
    voxels = rng.integers(-1000, 900, (8, 12, 10)).astype(np.float32)
    if kind != "ct":
        voxels = np.abs(voxels) / 7 + np.float32(value)
    return Volume(voxels, affine, kind)


@pytest.mark.parametrize("kind", ["ct", "mr", "unknown"])
def test_another_reader_sees_the_same_volume(tmp_path: Path, kind: str) -> None:
    volume = made(kind)
    served = Served.of(volume)
    (tmp_path / "a.nii").write_bytes(served.nifti)
    image = nib.load(tmp_path / "a.nii")
    np.testing.assert_allclose(image.get_fdata().transpose(2, 1, 0), volume.voxels, rtol=1e-6)
    found = read_scan(tmp_path / "a.nii")
    np.testing.assert_allclose(found.affine, volume.affine, atol=1e-5)
    np.testing.assert_allclose(served.voxels, volume.voxels, rtol=1e-6)


def test_ct_has_its_windows_and_units_also_where_the_file_does_not_say() -> None:
    assert Served.of(made("ct")).windows == CT_WINDOWS
    hidden = made("ct")
    assert Served.of(Volume(hidden.voxels, hidden.affine)).facts["unit"] == "HU"
    mr = Served.of(made("mr"))
    assert mr.facts["unit"] == ""
    assert list(mr.windows) == ["full"]


def test_outliers_and_blank_volumes_have_a_range() -> None:
    voxels = np.full((20, 20, 20), 1.0, np.float32)
    voxels[:10] = 0
    voxels[15, 0, 0] = 1e6
    assert robust_range(voxels) == (0.0, 1.0)
    assert robust_range(np.zeros((4, 4, 4), np.float32)) == (0.0, 1.0)


def counted(value: float, calls: list[float]) -> FoundVolume:
    def read() -> Volume:
        calls.append(value)
        return made("mr", value)

    return FoundVolume(str(value), "x", "scan", "", read, lambda: "1")


def test_a_volume_is_read_once_and_the_oldest_goes() -> None:
    calls: list[float] = []
    one = counted(1.0, calls)
    volumes = Volumes(most_bytes=2 * len(Served.of(made("mr")).nifti))
    volumes.get(one)
    volumes.get(one)
    assert calls == [1.0]
    volumes.get(counted(2.0, calls))
    volumes.get(counted(3.0, calls))
    volumes.get(one)
    assert calls == [1.0, 2.0, 3.0, 1.0]


def test_what_cannot_be_read_is_told_in_a_line() -> None:
    def read() -> Volume:
        raise ScanError("E101", "a:\ncut short")

    told = Volumes().described(FoundVolume("i", "a", "scan", "", read, lambda: ""))
    assert told["error"] == "E101 a: cut short"
    assert "shape" not in told

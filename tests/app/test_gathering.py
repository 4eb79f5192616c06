"""Volumes of stores, generated folders and scans, in their own units and places."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data.made import thorax
from hagan.app.found import FoundVolume
from hagan.app.gathering import generated, read_inside, scans, stored
from hagan.app.root import Root
from hagan.data.formats import read_scan
from hagan.data.store import Store
from hagan.errors import HaganError, ScanError, UnsafeFileError


def by_name(volumes: tuple[FoundVolume, ...]) -> dict[str, FoundVolume]:
    return {volume.name: volume for volume in volumes}


def test_a_stores_volume_is_shown_in_the_units_of_its_scan(shelf: Path) -> None:
    found = stored(Root.of(shelf), shelf / "store")
    assert (found.kind, found.fault, len(found.volumes)) == ("store", "", 6)
    volume = found.volumes[0].read()
    entry = Store.open(shelf / "store").entries[0]
    assert found.volumes[0].name.startswith(f"{entry.id} sub-")
    assert volume.modality == "ct"
    assert volume.voxels.min() >= -1024
    assert volume.voxels.max() > 200
    np.testing.assert_array_equal(volume.voxels, np.rint(volume.voxels))
    np.testing.assert_allclose(volume.affine, entry.affine)


def test_what_a_model_made_is_fake_and_says_how(shelf: Path) -> None:
    found = generated(Root.of(shelf), shelf / "new")
    assert [one.provenance for one in found.volumes] == ["fake", "fake"]
    assert [one.note for one in found.volumes] == ["seed 0, number 0", "seed 0, number 1"]
    expected = read_scan(shelf / "new" / "0001.nii.gz")
    np.testing.assert_array_equal(found.volumes[1].read().voxels, expected.voxels)


def test_scans_are_read_and_a_damaged_one_says_why(shelf: Path) -> None:
    folder = shelf / "scans"
    found = by_name(scans(Root.of(shelf), folder, sorted(folder.glob("*.nii.gz"))).volumes)
    assert found["good"].read().shape == (12, 24, 20)
    with pytest.raises(ScanError, match="E102 bad"):
        found["bad"].read()
    series = scans(Root.of(shelf), folder / "series", sorted((folder / "series").iterdir()))
    np.testing.assert_array_equal(series.volumes[0].read().voxels, thorax())


def test_a_damaged_index_or_manifest_is_the_folders_fault(shelf: Path, tmp_path: Path) -> None:
    for name, file, gather in (
        ("store", "index.json", stored),
        ("new", "manifest.json", generated),
    ):
        shutil.copytree(shelf / name, tmp_path / name)
        (tmp_path / name / file).write_text("{")
        found = gather(Root.of(tmp_path), tmp_path / name)
        assert found.volumes == ()
        assert file in found.fault


def test_no_file_behind_a_link_out_is_read(shelf: Path, tmp_path: Path) -> None:
    root = Root.of(tmp_path)
    (tmp_path / "a.nii.gz").symlink_to(shelf / "scans" / "good.nii.gz")
    with pytest.raises(UnsafeFileError):
        read_inside(root, tmp_path / "a.nii.gz")
    folder = tmp_path / "series"
    folder.mkdir()
    slices = sorted((shelf / "scans" / "series").iterdir())
    for path in slices[1:]:
        shutil.copy(path, folder)
    (folder / "x.dcm").symlink_to(slices[0])
    with pytest.raises(HaganError):
        read_inside(root, folder)


def test_the_version_changes_with_the_file(tmp_path: Path, shelf: Path) -> None:
    path = tmp_path / "a.nii.gz"
    shutil.copy(shelf / "scans" / "good.nii.gz", path)
    (volume,) = scans(Root.of(tmp_path), tmp_path, [path]).volumes
    before = volume.version()
    path.write_bytes(path.read_bytes() + b"\0")
    assert volume.version() != before
    path.unlink()
    assert volume.version() == "gone"

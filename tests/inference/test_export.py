"""Synthetic volumes on disk: their marks, their manifest, and each one made again from its row."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.data.formats import read_scan
from hagan.data.volume import Volume
from hagan.errors import BadInputError, DiskError, UsageError
from hagan.inference.export import (
    GENERATED,
    MANIFEST,
    REBUILT,
    Exporter,
    Row,
    hash_of,
    read_manifest,
    regenerate,
)
from hagan.inference.sampler import Sampler


@pytest.fixture(scope="module")
def sampler(run: Path) -> Sampler:
    return Sampler.from_run(run)


def write(exporter: Exporter, sampler: Sampler, file: str = "0000.nii.gz", index: int = 0) -> Row:
    volume = sampler.sample(index, seed=3)
    row = Row(file=file, sha256=hash_of(volume), seed=3, index=index)
    exporter.add(volume, row)
    return row


def test_nifti_says_that_it_is_synthetic_in_three_places(tmp_path: Path, sampler: Sampler) -> None:
    row = write(Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED), sampler)
    image = nib.load(tmp_path / "out" / "0000.nii.gz")
    sha = sampler.loaded.sha256
    assert image.header["descrip"].item().decode() == f"SYNTHETIC hagan {sha[:8]}"
    (extension,) = image.header.extensions
    assert extension.get_code() == 6
    content = extension.get_content()
    inside = json.loads(content.rstrip(b"\0"))
    beside = json.loads((tmp_path / "out" / "0000.json").read_text())
    assert inside == beside
    assert beside["Synthetic"] is True
    assert beside["NotForClinicalUse"] is True
    assert beside["Kind"] == GENERATED
    assert beside["WeightsSHA256"] == sha
    assert (beside["seed"], beside["index"], beside["sha256"]) == (3, 0, row.sha256)


def test_nifti_holds_the_voxels_and_the_place(tmp_path: Path, sampler: Sampler) -> None:
    write(Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED), sampler)
    image = nib.load(tmp_path / "out" / "0000.nii.gz")
    volume = sampler.sample(0, seed=3)
    assert image.get_data_dtype() == np.int16
    np.testing.assert_array_equal(image.get_fdata(), volume.voxels.transpose(2, 1, 0))
    read = read_scan(tmp_path / "out" / "0000.nii.gz")
    np.testing.assert_array_equal(read.voxels, volume.voxels)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-4)


def test_npy_is_readable_and_marked_beside(tmp_path: Path, sampler: Sampler) -> None:
    write(Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED), sampler, "0000.npy")
    volume = sampler.sample(0, seed=3)
    read = read_scan(tmp_path / "out" / "0000.npy")
    np.testing.assert_array_equal(read.voxels, volume.voxels)
    np.testing.assert_array_equal(read.affine, volume.affine)
    beside = json.loads((tmp_path / "out" / "0000.json").read_text())
    assert beside["Synthetic"] is True
    assert beside["WeightsSHA256"] == sampler.loaded.sha256


def test_hash_is_of_the_voxels_alone() -> None:
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    volume = Volume(voxels, np.eye(4))
    assert hash_of(volume) == hashlib.sha256(voxels.astype("<f4").tobytes()).hexdigest()
    view = Volume(np.asfortranarray(voxels), 2 * np.eye(4), "ct")
    assert hash_of(view) == hash_of(volume)
    assert hash_of(Volume(voxels + 1, np.eye(4))) != hash_of(volume)


def test_a_volume_is_made_again_from_its_row(tmp_path: Path, run: Path, sampler: Sampler) -> None:
    exporter = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    for index in range(3):
        write(exporter, sampler, f"{index:04d}.nii.gz", index)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    row = manifest.row_of("0001.nii.gz")
    assert row is not None
    made = regenerate(Sampler.from_run(run), row)
    np.testing.assert_array_equal(made.voxels, read_scan(tmp_path / "out" / "0001.nii.gz").voxels)


def test_truncation_and_label_are_part_of_the_row(labelled_run: Path) -> None:
    sampler = Sampler.from_run(labelled_run)
    volume = sampler.sample(2, seed=1, label=1, truncation=0.7)
    row = Row(file="a.npy", sha256=hash_of(volume), seed=1, index=2, label=1, truncation=0.7)
    np.testing.assert_array_equal(regenerate(sampler, row).voxels, volume.voxels)
    for change in ({"label": 0}, {"truncation": 0.8}, {"index": 1}, {"seed": 2}):
        with pytest.raises(BadInputError, match="came out different"):
            regenerate(sampler, dataclasses.replace(row, **change))


def test_other_weights_do_not_make_it_again(sampler: Sampler, other_run: Path) -> None:
    row = Row(file="a.npy", sha256=hash_of(sampler.sample(0, seed=0)), seed=0, index=0)
    with pytest.raises(BadInputError, match="take the weights that the manifest names"):
        regenerate(Sampler.from_run(other_run), row)


def test_a_reconstruction_is_not_made_again_from_its_row(sampler: Sampler) -> None:
    with pytest.raises(UsageError, match=r"rebuilt from a\.nii"):
        regenerate(sampler, Row(file="a-rebuilt.nii.gz", sha256="0", source="a.nii"))


def test_manifest_says_what_made_the_volumes(tmp_path: Path, sampler: Sampler) -> None:
    exporter = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    rows = [write(exporter, sampler, f"{index:04d}.npy", index) for index in (1, 0)]
    manifest = read_manifest(tmp_path / "out")
    assert manifest == exporter.manifest
    assert manifest is not None
    assert manifest.rows == (rows[1], rows[0])
    assert (manifest.kind, manifest.recipe, manifest.step) == (GENERATED, "narrow", 0)
    assert manifest.weights_sha256 == sampler.loaded.sha256
    assert manifest.synthetic is True
    assert manifest.row_of("9999.npy") is None


def test_a_series_is_gone_on_with_and_a_row_replaced(tmp_path: Path, sampler: Sampler) -> None:
    write(Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED), sampler, "0000.npy")
    again = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    write(again, sampler, "0001.npy", 1)
    write(again, sampler, "0000.npy", 5)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert [(row.file, row.index) for row in manifest.rows] == [("0000.npy", 5), ("0001.npy", 1)]


def test_a_kill_before_the_first_row_does_not_close_the_folder(
    tmp_path: Path, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(volume: Volume, path: Path, **rest: object) -> None:
        path.write_bytes(b"half done")
        raise KeyboardInterrupt

    exporter = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    with monkeypatch.context() as patch:
        patch.setattr("hagan.inference.export.write_nifti", killed)
        with pytest.raises(KeyboardInterrupt):
            write(exporter, sampler)
    again = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    assert again.manifest.rows == ()
    write(again, sampler)
    np.testing.assert_array_equal(
        read_scan(tmp_path / "out" / "0000.nii.gz").voxels, sampler.sample(0, seed=3).voxels
    )


def test_nothing_is_written_before_the_first_volume(tmp_path: Path, sampler: Sampler) -> None:
    Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(tmp_path: Path, sampler: Sampler) -> None:
    (tmp_path / ".hidden").write_text("x")
    Exporter(tmp_path, sampler.loaded, kind=GENERATED)
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(UsageError, match=r"holds no manifest\.json"):
        Exporter(tmp_path, sampler.loaded, kind=GENERATED)


def test_a_folder_of_other_weights_or_another_kind_is_refused(
    tmp_path: Path, sampler: Sampler, other_run: Path
) -> None:
    write(Exporter(tmp_path, sampler.loaded, kind=GENERATED), sampler)
    with pytest.raises(UsageError, match="other weights or another kind"):
        Exporter(tmp_path, Sampler.from_run(other_run).loaded, kind=GENERATED)
    with pytest.raises(UsageError, match="other weights or another kind"):
        Exporter(tmp_path, sampler.loaded, kind=REBUILT)


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": [{"colour": 1}]}', '{"kind": "x"}'])
def test_a_foreign_manifest_is_refused(tmp_path: Path, sampler: Sampler, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(BadInputError, match="not a manifest of hagan"):
        Exporter(tmp_path, sampler.loaded, kind=GENERATED)


def test_a_file_in_the_folders_place_is_a_disk_error(tmp_path: Path, sampler: Sampler) -> None:
    (tmp_path / "out").write_text("x")
    exporter = Exporter(tmp_path / "out", sampler.loaded, kind=GENERATED)
    with pytest.raises(DiskError, match="a file of that name"):
        write(exporter, sampler)

"""`hagan generate`: series that are marked, resumable and repeatable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from hagan.cli import main
from hagan.data.formats import read_scan
from hagan.data.scans import find_scans
from hagan.data.store import Store
from hagan.inference.export import read_manifest, regenerate
from hagan.inference.sampler import Sampler
from inference.made import read_by_hand


def generate(run: Path, out: Path, *flags: str) -> int:
    return main.run(["generate", str(run), str(out), *flags])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_it_writes_the_volumes_with_units_and_place(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run, tmp_path, "--count", "2") == 0
    assert "Wrote 2 synthetic volumes and manifest.json" in capsys.readouterr().out
    assert sorted(content(tmp_path)) == [
        *("0000.json", "0000.nii.gz", "0001.json", "0001.nii.gz", "manifest.json")
    ]
    voxels, affine = read_by_hand(tmp_path / "0001.nii.gz")
    expected = Sampler.from_run(run).sample(1, seed=0)
    np.testing.assert_array_equal(voxels, expected.voxels.transpose(2, 1, 0))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    np.testing.assert_allclose(spacing, store.geometry.spacing[::-1], rtol=1e-6)


def test_an_interrupted_series_ends_up_like_a_whole_one(run: Path, tmp_path: Path) -> None:
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    assert generate(run, whole, "--count", "4") == 0
    assert generate(run, begun, "--count", "2") == 0
    # As a kill leaves it: one file without its row, one row without its file.
    (begun / "0002.nii.gz").write_bytes(b"half")
    (begun / "0000.nii.gz").unlink()
    kept = (begun / "0001.nii.gz").stat().st_mtime_ns
    assert generate(run, begun, "--count", "4") == 0
    assert content(begun) == content(whole)
    assert (begun / "0001.nii.gz").stat().st_mtime_ns == kept


def test_any_volume_is_made_again_from_the_manifest(run: Path, tmp_path: Path) -> None:
    assert generate(run, tmp_path, "--count", "3", "--seed", "8", "--truncation", "0.7") == 0
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    for row in reversed(manifest.rows):
        made = regenerate(Sampler.from_run(run), row)
        np.testing.assert_array_equal(read_scan(tmp_path / row.file).voxels, made.voxels)


@pytest.mark.parametrize("kind", ["run", "mr_run"])
@pytest.mark.parametrize("file_format", ["nifti", "npy"])
def test_slab_by_slab_makes_the_same_files_and_manifest(
    kind: str, file_format: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(kind)
    for stream in ("always", "never", "auto"):
        flags = ["--count", "2", "--seed", "4", "--format", file_format, "--stream", stream]
        assert generate(run, tmp_path / stream, *flags) == 0
    whole = content(tmp_path / "never")
    assert len(whole) == 5
    assert content(tmp_path / "always") == content(tmp_path / "auto") == whole


@pytest.mark.parametrize(("stream", "made"), [("always", 2), ("never", 0), ("auto", 0)])
def test_only_slabs_go_by_way_of_the_disk(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str, made: int
) -> None:
    seen = []
    on_disk = Sampler.sample_on_disk

    def watched(self: Sampler, *args: Any, **rest: Any) -> Any:
        seen.append(self.depth)
        return on_disk(self, *args, **rest)

    monkeypatch.setattr(Sampler, "sample_on_disk", watched)
    assert generate(run, tmp_path, "--count", "2", "--stream", stream) == 0
    assert seen == [16] * made


def test_a_series_is_gone_on_with_in_the_other_way(run: Path, tmp_path: Path) -> None:
    assert generate(run, tmp_path / "both", "--count", "1", "--stream", "always") == 0
    assert generate(run, tmp_path / "both", "--count", "2", "--stream", "never") == 0
    assert generate(run, tmp_path / "whole", "--count", "2") == 0
    assert content(tmp_path / "both") == content(tmp_path / "whole")


def test_slab_by_slab_into_a_file_is_a_disk_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    assert generate(run, tmp_path / "out", "--count", "1", "--stream", "always") == 5


def test_seed_makes_another_series(run: Path, tmp_path: Path) -> None:
    hashes = set()
    for seed in ("0", "1"):
        assert generate(run, tmp_path / seed, "--count", "2", "--seed", seed) == 0
        manifest = read_manifest(tmp_path / seed)
        assert manifest is not None
        hashes |= {row.sha256 for row in manifest.rows}
    assert len(hashes) == 4


def test_numpy_files_and_json(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run, tmp_path, "--count", "1", "--format", "npy", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["manifest"] == str(tmp_path / "manifest.json")
    assert [row["file"] for row in said["rows"]] == ["0000.npy"]
    assert sorted(content(tmp_path)) == ["0000.json", "0000.npy", "manifest.json"]
    voxels = np.load(tmp_path / "0000.npy")
    np.testing.assert_array_equal(voxels, Sampler.from_run(run).sample(0, seed=0).voxels)
    assert read_scan(tmp_path / "0000.npy").modality == "ct"


def test_classes_come_in_turn_or_as_asked(
    labelled_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def labels(out: Path) -> list[int | None]:
        manifest = read_manifest(out)
        assert manifest is not None
        return [row.label for row in manifest.rows]

    assert generate(labelled_run, tmp_path / "turn", "--count", "3") == 0
    assert labels(tmp_path / "turn") == [0, 1, 0]
    assert generate(labelled_run, tmp_path / "one", "--count", "2", "--label", "1") == 0
    assert labels(tmp_path / "one") == [1, 1]
    assert (tmp_path / "one" / "0001.nii.gz").read_bytes() != b""
    capsys.readouterr()
    assert generate(labelled_run, tmp_path / "none", "--label", "2") == 2
    assert "label from 0 to 1 (ill, well)" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_folder_of_other_flags_format_or_weights_is_refused(
    run: Path, other_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run, tmp_path, "--count", "1") == 0
    before = content(tmp_path)
    for model, flags, said in (
        (run, ["--seed", "1"], "other flags"),
        (run, ["--truncation", "0.5"], "other flags"),
        (run, ["--format", "npy"], "another format"),
        (other_run, [], "other weights"),
    ):
        capsys.readouterr()
        assert generate(model, tmp_path, "--count", "2", *flags) == 2
        assert said in capsys.readouterr().err
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--count", "0"],
        ["--seed", "-1"],
        ["--truncation", "0"],
        ["--truncation", "1.1"],
        ["--label", "0"],
        ["--device", "cuda:99"],
    ],
    ids=" ".join,
)
def test_flags_that_cannot_be_are_refused(run: Path, tmp_path: Path, flags: list[str]) -> None:
    assert generate(run, tmp_path / "out", *flags) == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_without_weights_is_bad_input(tmp_path: Path) -> None:
    assert generate(tmp_path, tmp_path / "out") == 3


def test_a_file_in_the_folders_place_is_a_disk_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    assert generate(run, tmp_path / "out", "--count", "1") == 5


def test_dicom_series_hold_the_volumes_of_the_seed_and_are_gone_on_with(
    run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert generate(run, out, "--count", "1", "--seed", "3", "--format", "dicom") == 0
    first = (out / "0000-dicom" / "0001.dcm").read_bytes()
    assert generate(run, out, "--count", "2", "--seed", "3", "--format", "dicom") == 0
    assert (out / "0000-dicom" / "0001.dcm").read_bytes() == first
    sampler = Sampler.from_run(run)
    for index in range(2):
        found = read_scan(out / f"{index:04d}-dicom")
        volume = sampler.sample(index, seed=3)
        np.testing.assert_array_equal(found.voxels, volume.voxels)
        np.testing.assert_allclose(found.affine, volume.affine, atol=1e-5)
    data = pydicom.dcmread(out / "0001-dicom" / "0002.dcm")
    sha = sampler.loaded.sha256
    assert data.PatientID == f"SYN-{sha[:8]}-0001"
    assert data.BodyPartExamined == "CHEST"
    assert sha in data.ContributingEquipmentSequence[0].ContributionDescription
    assert generate(run, out, "--count", "2", "--seed", "3") == 2


@pytest.mark.parametrize(
    ("kind", "name"),
    [("run", "ct/{0}_desc-synthetic_ct"), ("mr_run", "anat/{0}_desc-synthetic_T1w")],
)
def test_a_bids_derivative_has_a_folder_a_subject_and_says_what_it_is(
    kind: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model, out = request.getfixturevalue(kind), tmp_path / "out"
    assert generate(model, out, "--count", "1", "--format", "bids") == 0
    assert generate(model, out, "--count", "2", "--format", "bids") == 0
    description = json.loads((out / "dataset_description.json").read_text())
    assert (description["DatasetType"], description["GeneratedBy"][0]["Name"]) == (
        "derivative",
        "hagan",
    )
    subject = "sub-synthetic0001"
    path = out / subject / f"{name.format(subject)}.nii.gz"
    expected = Sampler.from_run(model).sample(1, seed=0)
    np.testing.assert_array_equal(read_scan(path).voxels, expected.voxels)
    side_car = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert side_car["Synthetic"] is True
    assert [scan.subject for scan in find_scans(out)] == ["sub-synthetic0000", subject]
    assert generate(model, out, "--count", "2") == 2

"""`hagan reconstruct`: pairs that lie where the scan lies, in its own units."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data.made import save_nifti
from hagan.cli import main
from hagan.cli.reconstruct import file_name
from hagan.data.store import Store, fold_of
from hagan.inference.export import REBUILT, read_manifest
from inference.made import CT_AFFINE, MR_AFFINE, read_by_hand, save_ct, world_of_brightest


def reconstruct(*arguments: str | Path) -> int:
    return main.run(["reconstruct", *(str(argument) for argument in arguments)])


def test_a_pair_shares_its_grid_and_the_manifest_holds_the_error(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_ct(tmp_path / "scans" / "s1" / "a.nii.gz", 0)
    out = tmp_path / "out"
    assert reconstruct(run, tmp_path / "scans", out) == 0
    assert "Wrote 1 reconstructions" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        *("manifest.json", "s1_a-prepared.nii.gz", "s1_a-rebuilt.json", "s1_a-rebuilt.nii.gz")
    ]
    rebuilt, affine = read_by_hand(out / "s1_a-rebuilt.nii.gz")
    prepared, other_affine = read_by_hand(out / "s1_a-prepared.nii.gz")
    np.testing.assert_array_equal(affine, other_affine)
    # The grid covers the scan's whole field of view: 28 x 30 x 24 voxels from face to face.
    low, high = (affine @ [*[edge] * 3, 1] for edge in (-0.5, 31.5))
    np.testing.assert_allclose(low, CT_AFFINE @ [-0.5, -0.5, -0.5, 1], atol=1e-3)
    np.testing.assert_allclose(high, CT_AFFINE @ [27.5, 29.5, 23.5, 1], atol=1e-3)
    assert prepared.min() == pytest.approx(-1024, abs=40)
    manifest = read_manifest(out)
    assert manifest is not None
    (row,) = manifest.rows
    assert manifest.kind == REBUILT
    assert (row.source, row.file) == ("s1/a.nii.gz", "s1_a-rebuilt.nii.gz")
    assert row.mean_absolute_error == pytest.approx(np.abs(rebuilt - prepared).mean(), rel=1e-3)


def test_a_rebuilt_scan_is_marked_as_patient_data(run: Path, tmp_path: Path) -> None:
    save_ct(tmp_path / "a.nii.gz", 0)
    assert reconstruct(run, tmp_path / "a.nii.gz", tmp_path / "out") == 0
    facts = json.loads((tmp_path / "out" / "a-rebuilt.json").read_text())
    assert facts["Synthetic"] is True
    assert "patient data" in facts["Kind"]
    assert facts["source"] == "a.nii.gz"
    header = nib.load(tmp_path / "out" / "a-rebuilt.nii.gz").header
    assert header["descrip"].item().startswith(b"SYNTHETIC hagan ")


def test_a_landmark_stays_where_it_is_in_the_scans_own_scale(mr_run: Path, tmp_path: Path) -> None:
    voxels = np.zeros((36, 40, 30), np.float32)
    voxels[4:32, 4:36, :] = 80
    voxels[24:28, 9:12, 19:23] = 5000
    path = save_nifti(tmp_path / "a.nii.gz", voxels, MR_AFFINE)
    assert reconstruct(mr_run, path, tmp_path / "out") == 0
    landmark = (MR_AFFINE @ [25.5, 10.0, 20.5, 1])[:3]
    found = world_of_brightest(tmp_path / "out" / "a-prepared.nii.gz")
    assert np.abs(found - landmark).max() < 2.5
    highest = read_by_hand(tmp_path / "out" / "a-prepared.nii.gz")[0].max()
    assert highest == pytest.approx(5000, rel=0.02)


def test_a_bad_scan_has_its_line_and_the_others_are_done(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        save_ct(tmp_path / "scans" / f"s{number}.nii.gz", number)
    (tmp_path / "scans" / "bad.nii.gz").write_text("a text")
    assert reconstruct(run, tmp_path / "scans", tmp_path / "out") == 3
    printed = capsys.readouterr().out
    assert printed.startswith("E102 bad.nii.gz: ")
    assert "; 1 scans failed" in printed
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert [row.source for row in manifest.rows] == ["s0.nii.gz", "s1.nii.gz"]


def test_scans_of_one_name_do_not_overwrite_each_other(run: Path, tmp_path: Path) -> None:
    save_ct(tmp_path / "scans" / "a" / "b.nii.gz", 0)
    save_ct(tmp_path / "scans" / "a_b.nii.gz", 1)
    save_ct(tmp_path / "scans" / "a_b.nii", 2)
    assert reconstruct(run, tmp_path / "scans", tmp_path / "out") == 0
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert {row.source for row in manifest.rows} == {"a/b.nii.gz", "a_b.nii", "a_b.nii.gz"}
    assert len({row.sha256 for row in manifest.rows}) == 3
    assert len(list((tmp_path / "out").glob("*-prepared.nii.gz"))) == 3


def test_a_fold_rebuilds_only_its_held_back_subjects(
    labelled_run: Path, labelled_store: Store, tmp_path: Path
) -> None:
    entries = labelled_store.entries
    index = fold_of(entries[0].subject, 2)
    assert reconstruct(labelled_run, labelled_store.path, tmp_path, "--fold", f"{index}/2") == 0
    held = {e.source: e.label for e in entries if fold_of(e.subject, 2) == index}
    assert 0 < len(held) < len(entries)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert {row.source: row.label for row in manifest.rows} == held


def test_a_scan_without_a_class_is_no_matter_for_a_conditional_model(
    labelled_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_ct(tmp_path / "a.nii.gz", 0)
    assert reconstruct(labelled_run, tmp_path / "a.nii.gz", tmp_path / "out") == 2
    assert "has no label" in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*rebuilt*"))


def test_wrong_use_is_told_and_leaves_nothing(
    run: Path,
    run_without_encoder: Path,
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert reconstruct(run_without_encoder, store.path, out) == 2
    assert "has no encoder" in capsys.readouterr().err
    assert reconstruct(run, tmp_path, out) == 3
    assert "holds no scan" in capsys.readouterr().err
    (tmp_path / "a.nii").write_text("x")
    assert reconstruct(run, tmp_path / "a.nii", out) == 3
    assert "no scan could be rebuilt" in capsys.readouterr().err
    assert not out.exists()


def test_names_lose_folders_and_formats_but_not_dots() -> None:
    assert file_name("a/b.c.nii.gz") == "a_b.c"
    assert file_name("series.1") == "series.1"

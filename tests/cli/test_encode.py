"""`hagan encode`: one .npz of codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hagan.cli import main
from hagan.data.files import sha256_of
from hagan.data.store import Store, fold_of
from hagan.inference.reconstruct import encode
from hagan.inference.sampler import Sampler
from inference.made import save_ct


def run_encode(*arguments: str | Path) -> int:
    return main.run(["encode", *(str(argument) for argument in arguments)])


def test_codes_names_subjects_and_weights_are_in_the_file(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "codes.npz"
    assert run_encode(run, store.path, out) == 0
    assert "Wrote 6 codes of 16 entries" in capsys.readouterr().out
    with np.load(out, allow_pickle=False) as held:
        assert sorted(held.files) == ["codes", "names", "subjects", "weights_sha256"]
        assert held["codes"].dtype == np.float32
        assert list(held["names"]) == [entry.source for entry in store.entries]
        assert list(held["subjects"]) == [entry.subject for entry in store.entries]
        assert str(held["weights_sha256"]) == sha256_of(run / "weights" / "model.safetensors")
        sampler = Sampler.from_run(run)
        expected = [encode(sampler, store.load(entry))[0].numpy() for entry in store.entries]
        np.testing.assert_array_equal(held["codes"], np.stack(expected))


def test_a_fold_encodes_only_its_held_back_subjects(
    run: Path, store: Store, tmp_path: Path
) -> None:
    index = fold_of(store.entries[0].subject, 2)
    assert run_encode(run, store.path, tmp_path / "a.npz", "--fold", f"{index}/2") == 0
    held = {e.subject for e in store.entries if fold_of(e.subject, 2) == index}
    assert 0 < len(held) < 6
    with np.load(tmp_path / "a.npz") as found:
        assert set(found["subjects"]) == held


def test_a_bad_scan_has_its_line_and_the_others_are_encoded(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_ct(tmp_path / "scans" / "a.nii.gz", 0)
    (tmp_path / "scans" / "b[1].nii.gz").write_text("a text")
    assert run_encode(run, tmp_path / "scans", tmp_path / "a.npz") == 3
    printed = capsys.readouterr().out
    assert printed.startswith("E102 b[1].nii.gz: ")
    assert "; 1 scans failed" in printed
    with np.load(tmp_path / "a.npz") as found:
        assert list(found["names"]) == ["a.nii.gz"]
    assert run_encode(run, tmp_path / "scans", tmp_path / "a.npz", "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert said["encoded"] == 1
    assert [line[:13] for line in said["failed"]] == ["E102 b[1].nii"]


def test_nothing_good_writes_nothing(run: Path, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.nii.gz").write_text("a text")
    assert run_encode(run, tmp_path / "scans", tmp_path / "a.npz") == 3
    assert not (tmp_path / "a.npz").exists()


def test_wrong_use_is_told(
    run: Path,
    run_without_encoder: Path,
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments, said in (
        ((run, store.path, tmp_path / "a.npy"), "ends in .npz"),
        ((run_without_encoder, store.path, tmp_path / "a.npz"), "has no encoder"),
        ((run, store.path, tmp_path / "a.npz", "--fold", "5"), "must look like 0/5"),
        ((run, store.path, tmp_path / "a.npz", "--masks", tmp_path), "masked already"),
    ):
        assert run_encode(*arguments) == 2
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

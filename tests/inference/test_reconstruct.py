"""Encoding and reconstruction: which scans, on which grid, in which units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.made import save_nifti
from hagan.data.dataset import Fold
from hagan.data.store import Store, fold_of
from hagan.errors import BadInputError, ScanError, UsageError
from hagan.inference.export import hash_of
from hagan.inference.reconstruct import (
    Prepared,
    encode,
    is_store,
    label_of,
    open_scans,
    reconstruct,
    reconstruction,
)
from hagan.inference.sampler import Sampler
from inference.made import MR_AFFINE, copying_sampler, save_ct, save_mr, save_run


@pytest.fixture(scope="module")
def sampler(run: Path) -> Sampler:
    return Sampler.from_run(run)


def prepared_scans(*source: Any, **rest: Any) -> Iterator[Prepared | ScanError]:
    scans = open_scans(*source, **rest)
    return (scans.prepared(number) for number in range(len(scans)))


def good(scans: list[Prepared | ScanError]) -> list[Prepared]:
    assert not [scan for scan in scans if isinstance(scan, ScanError)]
    return [scan for scan in scans if isinstance(scan, Prepared)]


def only(source: Path, sampler: Sampler) -> Prepared:
    (scan,) = good(list(prepared_scans(source, sampler)))
    return scan


def test_a_store_gives_its_scans_as_they_were_prepared(store: Store, sampler: Sampler) -> None:
    assert is_store(store.path)
    scans = good(list(prepared_scans(store.path, sampler)))
    assert [scan.name for scan in scans] == [entry.source for entry in store.entries]
    for scan, entry in zip(scans, store.entries, strict=True):
        np.testing.assert_array_equal(scan.array, store.load(entry))
        assert scan.placement == entry


def test_a_fold_gives_only_its_held_back_subjects(store: Store, sampler: Sampler) -> None:
    for index in range(3):
        held = {e.subject for e in store.entries if fold_of(e.subject, 3) == index}
        if held:
            scans = good(list(prepared_scans(store.path, sampler, fold=Fold(index, 3))))
            assert {scan.subject for scan in scans} == held
            assert len(held) < len(store.entries)


def test_a_file_is_prepared_as_the_store_was(store: Store, sampler: Sampler) -> None:
    folder = store.path.parent / "scans"
    assert not is_store(folder)
    scans = good(list(prepared_scans(folder, sampler)))
    for scan, entry in zip(scans, store.entries, strict=True):
        # The store rounds to int16.
        np.testing.assert_allclose(scan.array, store.load(entry), atol=2e-5)
        assert scan.placement.affine == entry.affine
        assert (scan.name, scan.subject) == (entry.source, entry.subject)


def test_a_bad_scan_is_told_once_and_the_others_are_done(tmp_path: Path, sampler: Sampler) -> None:
    save_ct(tmp_path / "a.nii.gz", 0)
    (tmp_path / "b.nii.gz").write_text("a text")
    (tmp_path / "c.xyz").write_text("a text")
    save_ct(tmp_path / "d.nii.gz", 1)
    found = list(prepared_scans(tmp_path, sampler))
    assert [scan.name for scan in found if isinstance(scan, Prepared)] == ["a.nii.gz", "d.nii.gz"]
    lines = [str(scan) for scan in found if isinstance(scan, ScanError)]
    assert lines[0].startswith("E102 b.nii.gz: not a gzip file")
    assert lines[1].startswith("E103 c.xyz: unknown format")
    assert [line.count("E10") for line in lines] == [1, 1]


def test_a_brain_without_its_mask_is_told_and_the_masked_one_is_black_outside(
    tmp_path: Path, mr_run: Path
) -> None:
    save_mr(tmp_path / "scans" / "a.nii.gz", 0)
    save_mr(tmp_path / "scans" / "b.nii.gz", 1)
    mask = np.zeros((36, 40, 30), np.uint8)
    mask[:18, 8:32, 5:25] = 1
    save_nifti(tmp_path / "masks" / "a_mask.nii.gz", mask, MR_AFFINE)
    found = prepared_scans(tmp_path / "scans", Sampler.from_run(mr_run), masks=tmp_path / "masks")
    masked, told = list(found)
    assert isinstance(told, ScanError)
    assert str(told).startswith("E121 b.nii.gz: no mask")
    assert isinstance(masked, Prepared)
    # The mask keeps the patient's left in RAS, where x is low; w grows to the left.
    assert masked.array[:, :, :15].max() == -1
    assert masked.array[:, :, 17:].max() > 0


def test_flags_that_do_not_suit_the_source_are_refused(
    store: Store, sampler: Sampler, tmp_path: Path
) -> None:
    folder = store.path.parent / "scans"
    with pytest.raises(UsageError, match="masked already"):
        list(prepared_scans(store.path, sampler, masks=tmp_path))
    with pytest.raises(UsageError, match="--fold holds back subjects of a store"):
        list(prepared_scans(folder, sampler, fold=Fold(0, 5)))
    with pytest.raises(UsageError, match="--masks goes with brain-t1"):
        list(prepared_scans(folder, sampler, masks=folder))


def test_a_store_of_another_size_is_refused(store: Store, tmp_path: Path) -> None:
    larger = Sampler.from_run(save_run(tmp_path / "larger", store, volume_shape=(64, 64, 64)))
    with pytest.raises(UsageError, match=r"volumes of \(32, 32, 32\), the model \(64, 64, 64\)"):
        list(prepared_scans(store.path, larger))


def test_a_model_without_data_takes_a_store_but_no_scans(store: Store, tmp_path: Path) -> None:
    sampler = Sampler.from_run(save_run(tmp_path / "unknown", None))
    assert len(good(list(prepared_scans(store.path, sampler)))) == len(store.entries)
    with pytest.raises(BadInputError, match="hagan prepare"):
        list(prepared_scans(store.path.parent / "scans", sampler))


def test_codes_are_deterministic_and_differ_by_scan(store: Store, sampler: Sampler) -> None:
    arrays = [store.load(entry) for entry in store.entries[:2]]
    codes = [encode(sampler, array) for array in arrays]
    assert codes[0].shape == (1, 16)
    assert torch.equal(codes[0], encode(sampler, arrays[0]))
    assert not torch.equal(codes[0], codes[1])


def test_a_model_without_encoder_says_so(store: Store, run_without_encoder: Path) -> None:
    sampler = Sampler.from_run(run_without_encoder)
    with pytest.raises(UsageError, match="no encoder"):
        encode(sampler, store.load(store.entries[0]))


def test_a_perfect_model_gives_the_scan_back_in_place_and_scale(
    mr_store: Store, tmp_path: Path
) -> None:
    voxels = np.zeros((36, 40, 30), np.float32)
    voxels[4:32, 4:36, 4:26] = 80
    voxels[24:28, 9:12, 19:23] = 1000
    landmark = MR_AFFINE @ [25.5, 10.0, 20.5, 1]
    path = save_nifti(tmp_path / "a.nii.gz", voxels, MR_AFFINE)
    sampler = copying_sampler(mr_store)
    scan = only(path, sampler)
    rebuilt, prepared = reconstruct(sampler, scan)
    np.testing.assert_array_equal(rebuilt.voxels, prepared.voxels)
    np.testing.assert_array_equal(rebuilt.affine, prepared.affine)
    np.testing.assert_array_equal(rebuilt.affine, np.array(scan.placement.affine))
    bright = np.argwhere(rebuilt.voxels > 700)
    found = rebuilt.affine @ [*bright.mean(axis=0), 1]
    assert np.abs(found - landmark).max() < 2.5
    assert rebuilt.modality == "mr"
    # The scan's own scale: neither the store's median window nor [-1, 1].
    assert rebuilt.voxels.max() == pytest.approx(1000, rel=0.01)
    assert np.median(rebuilt.voxels[rebuilt.voxels > 40]) == pytest.approx(80, rel=0.02)


def test_a_reconstruction_lies_on_the_prepared_grid(store: Store, sampler: Sampler) -> None:
    scan = good(list(prepared_scans(store.path, sampler)))[0]
    rebuilt, prepared = reconstruct(sampler, scan)
    np.testing.assert_array_equal(rebuilt.affine, prepared.affine)
    assert rebuilt.shape == prepared.shape == (32, 32, 32)
    assert (rebuilt.modality, prepared.modality) == ("ct", "ct")
    np.testing.assert_allclose(prepared.voxels, scan.array * 812 - 212, atol=0.01)
    assert rebuilt.voxels.min() >= -1024
    assert rebuilt.voxels.max() <= 600
    with torch.no_grad():
        array = sampler.loaded.model.generate(encode(sampler, scan.array))[0, 0].numpy()
    np.testing.assert_allclose(rebuilt.voxels, array * 812 - 212, atol=0.01)


def test_a_conditional_model_rebuilds_with_the_scans_own_class(
    labelled_store: Store, labelled_run: Path
) -> None:
    sampler = Sampler.from_run(labelled_run)
    scans = good(list(prepared_scans(labelled_store.path, sampler)))
    assert [scan.label for scan in scans] == [0, 1, 0, 1, 0, 1]
    scan = scans[1]
    rebuilt, _ = reconstruct(sampler, scan)
    own = sampler.decode(encode(sampler, scan.array), 1).voxels
    other = sampler.decode(encode(sampler, scan.array), 0).voxels
    # A generated volume is rounded to whole HU, a rebuilt one is not.
    np.testing.assert_allclose(rebuilt.voxels, own, atol=0.51)
    assert np.abs(rebuilt.voxels - other).max() > 0.51
    assert label_of(sampler, scan) == 1


@pytest.mark.parametrize("kind", ["run", "mr_run", "labelled_run"])
def test_slab_by_slab_it_is_the_same(
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Voxels, hash, place and error, of CT, of a scan's own window, and of a class."""
    run = request.getfixturevalue(kind)
    of_run = {"run": "store", "mr_run": "mr_store", "labelled_run": "labelled_store"}
    store = request.getfixturevalue(of_run[kind])
    sampler = Sampler.from_run(run, stream="never")
    scan = good(list(prepared_scans(store.path, sampler)))[1]
    rebuilt, prepared = reconstruct(sampler, scan)
    for depth in (4, 12, 16, 32):
        with reconstruction(Sampler(sampler.loaded, "cpu", depth), scan, tmp_path) as found:
            np.testing.assert_array_equal(found.volume.voxels, rebuilt.voxels)
            np.testing.assert_array_equal(found.volume.affine, rebuilt.affine)
            np.testing.assert_array_equal(found.prepared.voxels, prepared.voxels)
            assert found.volume.modality == rebuilt.modality
            assert isinstance(found.volume.voxels, np.memmap) == (depth < 32)
            assert found.sha256 == hash_of(rebuilt)
            with reconstruction(sampler, scan, tmp_path / "unused") as whole:
                assert found.error == whole.error
                exact = np.abs(rebuilt.voxels - prepared.voxels).astype(np.float64).mean()
                assert whole.error == pytest.approx(exact, rel=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_a_store_reads_no_scan_that_is_not_asked_for(
    store: Store, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    load = Store.load

    def watched(self: Store, entry: Any) -> Any:
        read.append(entry.source)
        return load(self, entry)

    monkeypatch.setattr(Store, "load", watched)
    scans = open_scans(store.path, sampler)
    assert len(scans) == len(store.entries)
    assert read == []
    scans.prepared(4)
    assert read == [store.entries[4].source]


def test_a_scan_without_a_class_is_refused_by_a_conditional_model(
    labelled_store: Store, labelled_run: Path
) -> None:
    sampler = Sampler.from_run(labelled_run)
    scan = only(next((labelled_store.path.parent / "scans").iterdir()), sampler)
    assert scan.label is None
    with pytest.raises(UsageError, match="has no label"):
        reconstruct(sampler, scan)

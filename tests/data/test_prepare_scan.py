"""One scan to one array: done, skipped or failed with a line, and never half."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.made import save_nifti, save_series, save_thorax, thorax
from hagan.config.data import PrepareConfig
from hagan.data.files import sha256_of
from hagan.data.prepare_scan import ScanTask, prepare_scan
from hagan.data.protocols import restore_volume
from hagan.data.scans import find_scans
from hagan.data.store import Store

CONFIG = PrepareConfig(protocol="thorax-ct", volume_shape=(12, 24, 20))


def task(scans: Path, store: Path, number: int = 0) -> ScanTask:
    scan = find_scans(scans)[number]
    return ScanTask(scan, None, "someone", "0007", None, Store.create(store, CONFIG))


def test_an_array_is_written_and_its_entry_is_left_to_the_caller(tmp_path: Path) -> None:
    path = save_thorax(tmp_path / "scans" / "a.nii.gz", seed=3)
    result, entry = prepare_scan(task(path.parent, tmp_path / "store"))
    assert (result.scan, result.status, result.code) == ("a.nii.gz", "done", "")
    assert result.message == "a.nii.gz: prepared as 0007"
    assert result.seconds > 0
    assert entry is not None
    assert (entry.id, entry.file, entry.subject) == ("0007", "0007.npy", "someone")
    assert entry.source_sha256 == sha256_of(path)
    assert entry.mask_sha256 is None
    store = Store.open(tmp_path / "store")
    assert store.entries == ()
    restored = restore_volume(store.load(entry), entry).voxels
    np.testing.assert_allclose(restored, np.clip(thorax(seed=3), -1024, 600), atol=0.05)


def test_what_is_known_is_skipped_unless_it_changed_or_its_array_is_gone(tmp_path: Path) -> None:
    path = save_thorax(tmp_path / "scans" / "a.nii.gz")
    first = task(path.parent, tmp_path / "store")
    _, entry = prepare_scan(first)
    known = replace(first, known=entry)
    result, again = prepare_scan(known)
    assert (result.status, result.message) == ("skipped", "a.nii.gz: in the store as 0007")
    assert again is None
    array = tmp_path / "store" / "0007.npy"
    array.unlink()
    result, again = prepare_scan(known)
    assert result.message == "a.nii.gz: prepared again as 0007"
    assert again == entry
    assert array.exists()
    save_thorax(path, seed=9)
    result, again = prepare_scan(known)
    assert result.status == "done"
    assert again is not None
    assert entry is not None
    assert again.source_sha256 != entry.source_sha256


def test_another_mask_is_another_content(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    save_nifti(tmp_path / "scans" / "a.nii.gz", rng.random((10, 12, 14)) + 0.1)
    masks = []
    for number, until in enumerate((7, 8)):
        box = np.zeros((10, 12, 14), np.uint8)
        box[3:until, 4:9, 5:10] = 1
        save_nifti(tmp_path / f"masks{number}" / "a.nii.gz", box)
        masks += find_scans(tmp_path / f"masks{number}")
    config = PrepareConfig(protocol="brain-t1", volume_shape=(8, 8, 8))
    store = Store.create(tmp_path / "store", config, masked=True)
    (scan,) = find_scans(tmp_path / "scans")
    first = ScanTask(scan, masks[0], "a", "0001", None, store)
    _, entry = prepare_scan(first)
    assert entry is not None
    assert prepare_scan(replace(first, known=entry))[0].status == "skipped"
    assert prepare_scan(replace(first, known=entry, mask=masks[1]))[0].status == "done"


def test_a_series_is_known_by_its_slices_whatever_their_order(tmp_path: Path) -> None:
    save_series(tmp_path / "scans" / "p1")
    first = task(tmp_path / "scans", tmp_path / "store")
    _, entry = prepare_scan(first)
    known = replace(
        first, known=entry, scan=replace(first.scan, slices=tuple(reversed(first.scan.slices)))
    )
    assert prepare_scan(known)[0].status == "skipped"
    with sorted((tmp_path / "scans" / "p1").iterdir())[4].open("ab") as stream:
        stream.write(b"\0\0")
    result, _ = prepare_scan(known)
    assert result.status != "skipped"


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08 no more"])
def test_what_cannot_be_read_is_one_line_and_no_array(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "p1"
    folder.mkdir(parents=True)
    save_thorax(folder / "ct.nii.gz")
    given = task(tmp_path / "scans", tmp_path / "store")
    (folder / "ct.nii.gz").write_bytes(content)
    result, entry = prepare_scan(given)
    assert (result.status, entry) == ("failed", None)
    assert result.message.startswith(f"{result.code} p1/ct.nii.gz: ")
    assert "\n" not in result.message
    assert not list((tmp_path / "store").glob("*.npy"))


def test_a_file_that_went_away_since_it_was_found_fails(tmp_path: Path) -> None:
    path = save_thorax(tmp_path / "scans" / "a.nii.gz")
    given = task(path.parent, tmp_path / "store")
    path.unlink()
    result, entry = prepare_scan(given)
    assert (result.code, result.message) == ("E101", "E101 a.nii.gz: No such file or directory")
    assert entry is None


def test_a_scan_that_is_refused_is_shown_as_far_as_it_came(tmp_path: Path) -> None:
    path = save_thorax(tmp_path / "scans" / "a.nii.gz")
    narrow = replace(CONFIG, isotropic=True, field_of_view_mm=1.0)
    scan = find_scans(path.parent)[0]
    store = Store.create(tmp_path / "store", narrow)
    result, _ = prepare_scan(
        ScanTask(scan, None, "someone", "0007", None, store, previews=tmp_path)
    )
    assert result.code == "E122"
    assert (tmp_path / "a.nii.gz.png").is_file()


def test_a_scan_that_needs_too_much_memory_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_thorax(tmp_path / "scans" / "a.nii.gz")
    scan = find_scans(path.parent)[0]
    store = Store.create(tmp_path / "store", CONFIG)

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hagan.data.prepare_scan.prepare_volume", full)
    result, entry = prepare_scan(ScanTask(scan, None, "someone", "0007", None, store))
    assert (result.code, entry) == ("E123", None)
    assert result.message.startswith("E123 a.nii.gz: not enough memory")
    assert not (tmp_path / "store" / "0007.npy").exists()

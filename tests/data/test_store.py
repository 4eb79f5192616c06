from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hagan.config.data import PrepareConfig
from hagan.data.placement import Window, as_rows
from hagan.data.store import Store, StoreEntry, fold_of, quantise
from hagan.errors import BadInputError, DiskError, UsageError

CONFIG = PrepareConfig(protocol="thorax-ct", volume_shape=(8, 9, 10))


def entry(number: int, **changes: object) -> StoreEntry:
    content: dict[str, object] = {
        "id": f"{number:04d}",
        "file": f"{number:04d}.npy",
        "source": f"scan{number}.nii",
        "source_sha256": f"{number:064x}",
        "subject": f"s{number}",
        "affine": as_rows(np.eye(4)),
        "spacing": (float(number), 2.0, 1.5),
        "source_shape": (20, 30, 40),
        "source_affine": as_rows(np.eye(4)),
        "crop": ((1, 19), (0, 30), (0, 40)),
        "window": Window(-1024.0, 600.0),
        "modality": "ct",
        "covariates": {"age": 61.5, "sex": "F"},
        **changes,
    }
    return StoreEntry(**content)  # type: ignore[arg-type]


def volume(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (8, 9, 10)).astype(np.float32)


def filled(path: Path, count: int = 3) -> Store:
    store = Store.create(path, CONFIG)
    for number in range(1, count + 1):
        store.save_volume(f"{number:04d}.npy", volume(number))
    return store.with_entries([entry(number) for number in range(1, count + 1)])


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert store.volume_shape == (8, 9, 10)
    assert store.config == CONFIG
    assert store.entries == tuple(entry(number) for number in (1, 2, 3))
    loaded = store.load(store.entries[1])
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, volume(2), atol=0.5 / 32767 + 1e-7)


def test_the_ends_of_the_range_are_exact() -> None:
    ends = np.array([-1, 0, 1], np.float32)
    np.testing.assert_array_equal(quantise(ends), [-32767, 0, 32767])
    np.testing.assert_array_equal(quantise(ends * 3), [-32767, 0, 32767])


def test_entries_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store", CONFIG)
    store = store.with_entries([entry(10000), entry(9)])
    store = store.with_entries([entry(2)])
    assert [item.id for item in Store.open(store.path).entries] == ["0002", "0009", "10000"]


def test_an_entry_is_replaced_by_its_number(tmp_path: Path) -> None:
    store = filled(tmp_path / "store").with_entries([entry(2, subject="other")])
    assert [item.subject for item in store.entries] == ["s1", "other", "s3"]


def test_the_index_is_whole_or_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path / "store")
    before = (tmp_path / "store" / "index.json").read_bytes()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiskError, match="disk is full"):
        store.with_entries([entry(4)])
    assert (tmp_path / "store" / "index.json").read_bytes() == before
    assert not [item for item in (tmp_path / "store").iterdir() if item.name[0] == "."]


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    other = PrepareConfig(protocol="thorax-ct", volume_shape=(16, 16, 16))
    with pytest.raises(UsageError, match=r"prepared with volume_shape \(8, 9, 10\)"):
        Store.create(tmp_path / "store", other)
    with pytest.raises(UsageError, match="masks not given"):
        Store.create(tmp_path / "store", CONFIG, masked=True)
    labelled = PrepareConfig(protocol="thorax-ct", volume_shape=(8, 9, 10), label_column="gold")
    assert len(Store.create(tmp_path / "store", labelled).entries) == 3


def test_a_folder_with_other_things_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(UsageError, match="other files"):
        Store.create(tmp_path, CONFIG)


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="hagan prepare"):
        Store.open(tmp_path)
    for text in ("", "[]", "{}", '{"format": 1}'):
        (tmp_path / "index.json").write_text(text)
        with pytest.raises(BadInputError):
            Store.open(tmp_path)
    index = json.loads((filled(tmp_path / "store").path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**index, "format": 99}))
    with pytest.raises(BadInputError, match="format 99"):
        Store.open(tmp_path)


def test_a_damaged_array_is_found(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    path = store.path / "0001.npy"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadInputError, match="prepare again"):
        store.load(store.entries[0])
    np.save(path, np.zeros((2, 2, 2), np.int16))
    with pytest.raises(BadInputError, match="expected int16"):
        store.load(store.entries[0])
    path.unlink()
    with pytest.raises(BadInputError, match="prepare again"):
        store.load(store.entries[0])


def test_the_geometry_is_the_median_and_centred(tmp_path: Path) -> None:
    geometry = filled(tmp_path / "store").geometry
    assert geometry.spacing == (2.0, 2.0, 1.5)
    assert (geometry.window_low, geometry.window_high) == (-1024, 600)
    assert (geometry.modality, geometry.protocol) == ("ct", "thorax-ct")
    affine = np.array(geometry.affine)
    np.testing.assert_allclose(affine @ (3.5, 4, 4.5, 1), (0, 0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(affine[:3, :3], [[0, 0, -1.5], [0, -2, 0], [2, 0, 0]])
    with pytest.raises(BadInputError, match="no scan"):
        _ = Store.create(tmp_path / "empty", CONFIG).geometry


def test_a_fold_depends_on_the_subject_alone() -> None:
    # Pinned: another value would move subjects of existing studies between train and held-out.
    assert [fold_of(f"sub-{n:02d}") for n in range(8)] == [1, 1, 1, 2, 2, 3, 0, 4]
    counts = Counter(fold_of(f"subject {n}") for n in range(2000))
    assert set(counts) == set(range(5))
    assert max(counts.values()) < 1.2 * min(counts.values())

"""Sources: stores whole or in parts, halves by subject, and volumes on a grid."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.made import body
from hagan.data.dataset import Fold
from hagan.data.store import Store
from hagan.evaluation.sources import Grid, StoreSource, halves, on_grid
from inference.made import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))


def test_a_store_gives_its_prepared_scans(store: Store) -> None:
    source = StoreSource(store)
    volumes = source.volumes("real", Grid((32, 32, 32), None))
    assert len(volumes) == 6
    assert np.array_equal(volumes.volume(3), store.load(store.entries[3]))
    assert volumes.subjects[0] == "sub-00"
    assert source.is_ct


def test_a_fold_splits_a_store_without_rest(store: Store) -> None:
    held_out, train = StoreSource.folds(store, Fold(0, 2))
    parts = [
        set(side.volumes("x", Grid((32, 32, 32), None)).subjects) for side in (held_out, train)
    ]
    assert all(parts)
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 6


def test_on_grid_keeps_what_fits() -> None:
    volume = body(0)
    assert on_grid(volume, Grid((32, 32, 32), None)) is volume


def test_halves_keep_subjects_together_and_ignore_order() -> None:
    subjects = [f"s{i // 2}" for i in range(20)]
    first, second = halves(subjects)
    assert sorted(first + second) == list(range(20))
    assert {subjects[i] for i in first} & {subjects[i] for i in second} == set()
    assert len(first) == len(second) == 10
    order = list(reversed(range(20)))
    again, _ = halves([subjects[i] for i in order])
    assert {subjects[order[i]] for i in again} == {subjects[i] for i in first}


def test_another_shape_is_stretched_and_stays_in_range() -> None:
    stretched = on_grid(body(2, 16), Grid((32, 24, 20), None, resample=True))
    assert stretched.shape == (32, 24, 20)
    assert -1 <= stretched.min() < stretched.max() <= 1
    assert stretched.mean() == pytest.approx(body(2, 16).mean(), abs=0.02)
    with pytest.raises(AssertionError):
        on_grid(body(2, 16), Grid((32, 24, 20), None))

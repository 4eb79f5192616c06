"""Features that no GAN has learned."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from hagan.data.dataset import Fold
from hagan.data.quantised import quantise
from hagan.data.store import Store
from hagan.experiments.floors import network_features, principal_components
from inference.made import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("floors"))


def test_components_are_those_of_a_singular_value_decomposition(store: Store) -> None:
    fold = Fold(0, 2)
    found = principal_components(store, fold)
    train = [entry for entry in store.entries if not fold.holds_back(entry.subject)]
    matrix = np.stack([store.load(entry).ravel().astype(np.float64) for entry in train])
    mean = matrix.mean(axis=0)
    _, sizes, ways = np.linalg.svd(matrix - mean, full_matrices=False)
    for entry in store.entries:
        expected = (store.load(entry).ravel() - mean) @ ways[: len(train) - 1].T
        np.testing.assert_allclose(np.abs(found[entry.source]), np.abs(expected), atol=1e-6)
    assert len(sizes) == len(train)


def test_held_out_scans_change_no_component(store: Store, tmp_path: Path) -> None:
    fold = Fold(0, 2)
    shutil.copytree(store.path, tmp_path / "store")
    other = Store.open(tmp_path / "store")
    rng = np.random.default_rng(0)
    held = [entry for entry in other.entries if fold.holds_back(entry.subject)]
    assert held
    for entry in held:
        noise = rng.uniform(-1, 1, other.volume_shape).astype(np.float32)
        np.save(other.path / entry.file, quantise(noise))
    one, two = principal_components(store, fold), principal_components(other, fold)
    for entry in store.entries:
        if not fold.holds_back(entry.subject):
            np.testing.assert_array_equal(one[entry.source], two[entry.source])


def test_network_features_are_one_row_a_scan(store: Store) -> None:
    found = network_features(store)
    assert {len(row) for row in found.values()} == {512}
    assert set(found) == {entry.source for entry in store.entries}
    assert dataclasses.is_dataclass(store.entries[0])

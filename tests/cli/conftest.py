"""Stores and untrained runs for the commands, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hagan.data.store import Store
from inference.made import make_mr_store, make_store, save_run


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Six thorax CTs."""
    return make_store(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="session")
def labelled_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Six thorax CTs of two classes."""
    return make_store(tmp_path_factory.mktemp("labelled"), labelled=True)


@pytest.fixture(scope="session")
def mr_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three brains of three intensity scales."""
    return make_mr_store(tmp_path_factory.mktemp("mr"))


@pytest.fixture(scope="session")
def run(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained run on the CTs."""
    return save_run(tmp_path_factory.mktemp("runs") / "run", store)


@pytest.fixture(scope="session")
def other_run(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, of other weights."""
    return save_run(tmp_path_factory.mktemp("runs") / "other", store, seed=1)


@pytest.fixture(scope="session")
def labelled_run(labelled_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained conditional run."""
    return save_run(tmp_path_factory.mktemp("runs") / "labelled", labelled_store, num_classes=2)


@pytest.fixture(scope="session")
def mr_run(mr_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained run on the brains."""
    return save_run(tmp_path_factory.mktemp("runs") / "mr", mr_store)


@pytest.fixture(scope="session")
def run_without_encoder(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained run that can generate only."""
    return save_run(tmp_path_factory.mktemp("runs") / "blind", store, encoder=False)

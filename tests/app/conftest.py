"""A shelf with one of everything: a run, a store, new volumes, scans, a direction, reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from app.made import SHELF, make_shelf
from app.serving import Serving
from hagan.app.server import Viewer
from inference.conftest import run, store

__all__ = ["client", "run", "shelf", "store", "viewer"]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    """The folder that is served; tests do not change it."""
    return make_shelf(tmp_path_factory.mktemp("served") / SHELF, run)


@pytest.fixture
def viewer(shelf: Path) -> Iterator[Viewer]:
    """A viewer of the shelf that listens to nobody."""
    made = Viewer.of(shelf)
    yield made
    made.close()


@pytest.fixture
def client(viewer: Viewer) -> TestClient:
    """A browser's requests, token and all."""
    made = TestClient(viewer.app, base_url=f"http://127.0.0.1:{viewer.port}")
    made.get("/", params={"token": viewer.token})
    return made


@pytest.fixture(scope="module")
def serving(shelf: Path) -> Iterator[Serving]:
    """A viewer of the shelf that listens."""
    with Serving(Viewer.of(shelf)) as serving:
        yield serving


@pytest.fixture
def guest(serving: Serving) -> Iterator[httpx.Client]:
    """Somebody who opened the printed address."""
    with serving.guest() as client:
        yield client

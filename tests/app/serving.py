"""A viewer that really listens, and who comes to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2 as httpx

from hagan.app.server import Viewer


class Serving:
    """A viewer that runs in a thread."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.base = f"http://127.0.0.1:{viewer.port}"
        self._thread = threading.Thread(target=viewer.run)

    def __enter__(self) -> Serving:
        self._thread.start()
        end = time.monotonic() + 30
        while not self.viewer.server.started and time.monotonic() < end:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def stranger(self) -> httpx.Client:
        """Somebody without the token."""
        return httpx.Client(base_url=self.base, timeout=60)

    @contextmanager
    def guest(self) -> Iterator[httpx.Client]:
        """Somebody who opened the printed address."""
        with self.stranger() as client:
            assert client.get(f"/?token={self.viewer.token}").status_code == 200
            yield client

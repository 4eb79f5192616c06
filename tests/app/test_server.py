"""The server listens to this machine alone, on the port that it says."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest

from app.serving import Serving
from hagan.app.server import HOST, Viewer
from hagan.errors import BadInputError, UsageError


def test_it_answers_at_its_address_and_nowhere_else(shelf: Path) -> None:
    with Serving(Viewer.of(shelf)) as serving:
        viewer = serving.viewer
        with urllib.request.urlopen(viewer.address, timeout=10) as answer:
            assert answer.status == 200
            assert "hagan" in answer.read().decode()
        own = socket.gethostbyname(socket.gethostname())
        if own != HOST:
            with socket.socket() as other:
                assert other.connect_ex((own, viewer.port)) != 0


def test_tokens_are_long_and_new(shelf: Path) -> None:
    one, other = Viewer.of(shelf), Viewer.of(shelf)
    assert one.token != other.token
    assert len(one.token) >= 32
    assert one.token not in repr(one)
    one.close()
    other.close()


def test_ports_that_are_taken_and_folders_that_are_gone(shelf: Path, tmp_path: Path) -> None:
    viewer = Viewer.of(shelf)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            Viewer.of(shelf, port=port)
    viewer.close()
    with pytest.raises(BadInputError, match="does not exist"):
        Viewer.of(tmp_path / "gone")

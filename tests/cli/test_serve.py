"""`hagan serve`: what it says before it serves, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hagan.cli import main
from hagan.cli.serve import Serve


def test_a_missing_extra_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [name for name in sys.modules if name.startswith("hagan.app")]:
        monkeypatch.delitem(sys.modules, name)
    assert main.run(["serve", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "pip install 'hagan[web]'" in line


def test_what_cannot_be_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["serve", str(tmp_path / "gone")]) == 3
    assert "does not exist" in capsys.readouterr().err
    assert main.run(["serve", str(tmp_path), "--port", "70000"]) == 2
    assert "--port is from 0 to 65535" in capsys.readouterr().err


def test_it_is_bound_to_this_machine_with_a_token(tmp_path: Path) -> None:
    viewer = Serve(tmp_path, device="cpu").viewer()
    assert viewer.address.startswith(f"http://127.0.0.1:{viewer.port}/?token=")
    viewer.close()

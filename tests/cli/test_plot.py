from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.cli.main import run


def test_losses_lie_in_the_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"step": s, "generator/fake": 1.0 / s}) for s in (10, 20, 30)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert run(["plot", str(tmp_path)]) == 0
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert "losses.png" in capsys.readouterr().out


def test_what_is_no_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot", str(tmp_path)]) == 3
    assert "expected the folder of a run" in capsys.readouterr().err
    assert run(["plot", str(tmp_path), "--out", "a.jpg"]) == 2

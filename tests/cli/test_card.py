from __future__ import annotations

from pathlib import Path

import pytest

from hagan.cli import main


def test_a_card_lies_beside_the_weights_and_asks_for_figures(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "CARD.md"
    assert main.run(["card", str(run), "--out", str(out), "--licence", "cc-by-4.0"]) == 0
    assert "Next: hagan evaluate" in capsys.readouterr().out
    text = out.read_text()
    assert "license: cc-by-4.0" in text
    assert str(run.parent) not in text  # a card is published; paths of a machine are nobody's


def test_a_run_without_weights_has_no_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["card", str(tmp_path)]) == 3
    assert "no weights" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

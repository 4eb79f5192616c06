from __future__ import annotations

import json
from pathlib import Path

import pytest
import tyro

from data.made import save_thorax
from hagan.cli.check import Check


def command(*arguments: str | Path) -> Check:
    return tyro.cli(Check, args=[str(argument) for argument in arguments])


def test_good_scans_are_a_table_and_end_with_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_thorax(tmp_path / "a.nii.gz")
    assert command(tmp_path).run() == 0
    printed = capsys.readouterr().out
    assert "20 x 24 x 12" in printed
    assert "1 scans: 1 good, 0 with a fault" in printed
    assert f"hagan prepare {tmp_path} STORE --protocol thorax-ct" in printed


def test_faults_are_told_and_the_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_thorax(tmp_path / "born_19580214.nii.gz")
    (tmp_path / "bad.nii.gz").write_text("x")
    assert command(tmp_path).run() == 3
    printed = capsys.readouterr().out
    assert "E102 bad.nii.gz: " in printed
    assert "W201 born_19580214.nii.gz: " in printed


def test_json_is_one_object_a_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_thorax(tmp_path / "a.nii.gz")
    (tmp_path / "bad.nii.gz").write_text("x")
    assert command(tmp_path, "--json").run() == 3
    good, bad = json.loads(capsys.readouterr().out)
    assert (good["scan"], good["shape"], good["code"]) == ("a.nii.gz", [20, 24, 12], "")
    assert bad["code"] == "E102"

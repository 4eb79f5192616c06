"""Findings as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.errors import DiskError
from hagan.experiments.tables import Result, Table, drawn, mib, millions, number


def result(picture: bytes | None = b"png") -> Result:
    table = Table("Peaks", ("side", "note"), (("32", "a|b"), ("64", "")), "Below.")
    pictures = drawn("memory", picture, "Memory by side")
    read = ["All fits."]
    return Result("memory", "Memory", [{"side": 32}], [table], pictures, {"CPU": "one"}, read)


def test_a_table_is_markdown() -> None:
    lines = result().markdown().splitlines()
    assert lines[0] == "# Memory"
    assert "- CPU: one" in lines
    start = lines.index("## Peaks")
    assert lines[start + 2 : start + 6] == [
        "| side | note |",
        "| --- | --- |",
        "| 32 | a/b |",
        "| 64 |  |",
    ]
    assert lines[-1] == "Below."
    assert "![Memory by side](memory.png)" in lines
    assert "> All fits." in lines
    assert "memory.png" not in result(None).markdown()


def test_all_files_are_written(tmp_path: Path) -> None:
    written = result().write(tmp_path / "out")
    assert [path.name for path in written] == ["results.md", "memory.png", "results.json"]
    content = json.loads(written[-1].read_text())
    assert content == {
        "experiment": "memory",
        "facts": {"CPU": "one"},
        "rows": [{"side": 32}],
        "reading": ["All fits."],
    }
    assert written[1].read_bytes() == b"png"
    assert not (result(None).write(tmp_path / "bare")[0].parent / "memory.png").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError):
        result().write(tmp_path / "file" / "out")


def test_numbers_are_short() -> None:
    assert (mib(3 * 2**20), mib(None), millions(74_747_780), millions(None)) == (
        *("3", "-", "74.7M", "-"),
    )
    texts = [number(value) for value in (0.35, 1.234, 12.34, 1234.4, None)]
    assert texts == ["0.35", "1.23", "12.3", "1234", "-"]

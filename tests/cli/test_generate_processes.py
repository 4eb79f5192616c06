"""`hagan generate` in several processes leaves the folder that one process leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.together import content, hagan
from hagan.cli import main
from hagan.errors import LostProcessError
from hagan.inference.export import read_manifest

pytestmark = pytest.mark.slow


def alone(run: Path, out: Path, *flags: str) -> dict[str, bytes]:
    assert main.run(["generate", str(run), str(out), *flags]) == 0
    return content(out)


def codes(ended: list[subprocess.CompletedProcess[str]]) -> list[int]:
    assert "Traceback" not in "".join(process.stderr for process in ended)
    return [process.returncode for process in ended]


@pytest.mark.parametrize("stream", ["never", "always"])
def test_the_folder_is_that_of_one_process(labelled_run: Path, tmp_path: Path, stream: str) -> None:
    """Five volumes of two classes by two processes, so that the last round has one."""
    flags = ("--count", "5", "--seed", "3")
    ended = hagan("generate", labelled_run, tmp_path / "two", *flags, "--stream", stream)
    assert codes(ended) == [0, 0], ended
    assert content(tmp_path / "two") == alone(labelled_run, tmp_path / "one", *flags)
    assert "Wrote 5 synthetic volumes" in ended[0].stdout
    assert ended[1].stdout == ""


def test_a_process_that_dies_leaves_what_any_number_of_them_completes(
    run: Path, tmp_path: Path
) -> None:
    whole = alone(run, tmp_path / "whole", "--count", "7")
    begun = tmp_path / "begun"
    flags = ("--count", "7")
    ended = hagan("generate", run, begun, *flags, dying=(1, 3))
    assert codes(ended) == [LostProcessError.exit_code, 9]
    assert ended[0].stderr.startswith("hagan: another process of this run ended")
    assert ended[0].stderr.count("\n") == 1
    manifest = read_manifest(begun)
    assert manifest is not None
    # Two rounds of two; the third was lost.
    assert [row.index for row in manifest.rows] == [0, 1, 2, 3]
    kept = {row.file: (begun / row.file).stat().st_mtime_ns for row in manifest.rows}
    assert codes(hagan("generate", run, begun, *flags, size=3)) == [0, 0, 0]
    assert content(begun) == whole
    assert {file: (begun / file).stat().st_mtime_ns for file in kept} == kept


def test_one_process_completes_what_several_began(run: Path, tmp_path: Path) -> None:
    whole = alone(run, tmp_path / "whole", "--count", "4")
    hagan("generate", run, tmp_path / "begun", "--count", "4", dying=(0, 1))
    assert alone(run, tmp_path / "begun", "--count", "4") == whole


def test_what_is_wrong_is_told_once(run: Path, tmp_path: Path) -> None:
    assert main.run(["generate", str(run), str(tmp_path / "out"), "--count", "1"]) == 0
    (tmp_path / "file").write_text("x")
    for arguments, code, said in (
        ((tmp_path / "none", tmp_path / "x"), 3, "none"),
        ((run, tmp_path / "x", "--count", "many"), 2, "--count"),
        ((run, tmp_path / "out", "--seed", "1"), 2, "other flags"),
        ((run, tmp_path / "file", "--count", "3"), 5, "a file of that name"),
    ):
        ended = hagan("generate", *arguments)
        assert codes(ended) == [code, code], said
        assert said in ended[0].stderr
        assert (ended[1].stdout, ended[1].stderr) == ("", "")
    assert not (tmp_path / "x").exists()


def test_torchrun_starts_it_as_the_how_to_says(run: Path, tmp_path: Path) -> None:
    torchrun = Path(sys.executable).with_name("torchrun")
    words = [str(torchrun), "--nproc-per-node", "2", "-m", "hagan", "generate"]
    done = subprocess.run(
        [*words, str(run), str(tmp_path / "two"), "--count", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [row["index"] for row in json.loads(done.stdout)["rows"]] == [0, 1]
    assert content(tmp_path / "two") == alone(run, tmp_path / "one", "--count", "2")

"""`hagan phantom`: a cohort and the next command, which works."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from hagan.cli import main


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thorax", "brain"])
def test_the_next_command_prepares_the_cohort(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "phantoms"
    assert (
        main.run(["phantom", kind, str(out), "--count", "2", "--side", "32", "--workers", "1"]) == 0
    )
    printed = capsys.readouterr().out
    assert f"Wrote 2 {kind} phantoms of 32 x 32 x 32 voxels" in printed
    command = shlex.split(printed.rpartition("Next: hagan ")[2])
    command[command.index("STORE")] = str(tmp_path / "store")
    assert main.run([*command, "--workers", "1"]) == 0
    assert "2 done, 0 skipped, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--format", "dicom"], "take --format nifti"),
        (["--count", "0"], "--count is at least 1"),
        (["--side", "16"], "between 32 and 512"),
        (["--workers", "0"], "--workers is at least 1"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_flags_that_cannot_be_are_refused_before_anything_is_written(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["phantom", "thorax", str(tmp_path / "out"), *flags]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

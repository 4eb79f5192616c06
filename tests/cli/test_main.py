"""The command line as a whole: help, laziness, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hagan import __version__
from hagan.cli import main
from hagan.cli.doctor import Doctor
from hagan.cli.main import parse
from hagan.cli.train import Train
from hagan.errors import (
    BadInputError,
    DiskError,
    DivergedError,
    HaganError,
    InterruptedRunError,
    LostProcessError,
    OutOfMemoryError,
    ScanError,
    UnsafeFileError,
    UsageError,
)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def ending(raised: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of a command that ends so."""

    def run(command: Doctor) -> int:
        raise raised

    monkeypatch.setattr(Doctor, "run", run)
    return main.run(["doctor"])


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(arguments)
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for name, (_, about) in main.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(about)}$", printed, re.MULTILINE)
    assert "exit codes: 0 ok" in printed


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"hagan {__version__}\n"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: hagan {name}" in capsys.readouterr().out


def test_an_unknown_command_or_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["generat"])
    assert ended.value.code == 2
    assert "no command is called 'generat'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main.run(["doctor", "--colour", "red"])
    assert ended.value.code == 2


HEAVY = ("torch", "numpy", "scipy", "nibabel", "pydicom", "matplotlib")


@pytest.mark.parametrize(
    ("arguments", "light"),
    [(["--help"], ("tyro", *HEAVY)), *(([name, "--help"], HEAVY) for name in main.COMMANDS)],
    ids=["hagan", *main.COMMANDS],
)
def test_help_loads_nothing_heavy(arguments: list[str], light: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom hagan.cli import main\n"
        f"try: main.run({arguments!r})\nexcept SystemExit: pass\n"
        f"print('LOADED', [name for name in {light!r} if name in sys.modules])"
    )
    done = python("-c", code)
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HaganError("x"), 1),
        (UsageError("x"), 2),
        (BadInputError("x"), 3),
        (ScanError("E101", "x"), 3),
        (OutOfMemoryError("x"), 4),
        (DiskError("x"), 5),
        (DivergedError("x"), 6),
        (UnsafeFileError("x"), 7),
        (LostProcessError("x"), 8),
        (InterruptedRunError("x"), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_is_one_line_and_its_code(
    error: HaganError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ending(error, monkeypatch) == code
    captured = capsys.readouterr()
    assert captured.err == f"hagan: {error}\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MemoryError(), 4, "out of memory; take a smaller batch or side"),
        (RuntimeError("CUDA out of memory. Tried\nto"), 4, "out of memory: CUDA out of memory"),
        (RuntimeError("[enforce] can't allocate memory: you tried"), 4, "out of memory: [enforce]"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_memory_and_ctrl_c_end_in_one_line(
    error: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ending(error, monkeypatch) == code
    captured = capsys.readouterr().err
    assert captured.startswith(f"hagan: {line}")
    assert captured.count("\n") == 1


def test_what_another_process_tells_is_not_told_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = DiskError("x")
    error.told_elsewhere = True
    assert ending(error, monkeypatch) == 5
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("rank", "lines"), [("0", True), ("1", False)])
@pytest.mark.parametrize("arguments", [["generat"], ["doctor", "--colour", "red"], ["--help"]])
def test_the_first_of_several_processes_tells_what_is_wrong_with_the_command_line(
    arguments: list[str],
    rank: str,
    lines: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = {"RANK": rank, "WORLD_SIZE": "2", "LOCAL_RANK": rank}
    for name, value in (named | {"MASTER_ADDR": "a", "MASTER_PORT": "1"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main.run(arguments)
    assert ended.value.code == (0 if arguments == ["--help"] else 2)
    captured = capsys.readouterr()
    assert bool(captured.out + captured.err) is lines


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="shapes differ"):
        ending(RuntimeError("shapes differ"), monkeypatch)


def test_the_program_exits_with_the_commands_code() -> None:
    done = python("-m", "hagan", "info", "hagan-65")
    assert done.returncode == 2
    assert done.stderr == "hagan: recipe hagan exists at sides 32, 64, 128, 256, 512\n"
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        (["--help"], ""),
        (["--help"], "1"),
        (["train", "--help"], ""),
        (["info", "hagan-tiny-32"], ""),
        (["info", "hagan-tiny-32", "--json"], ""),
    ],
    ids=lambda value: " ".join(value) or "buffered",
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hagan", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    # rich ends a program with 1 where its console meets a closed pipe.
    assert done.returncode in (0, 1)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_the_output_is_one_line_and_exit_5() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hagan", "doctor", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_settings_of_several_flags_add_up() -> None:
    flags = "train hagan-64 --set model.width=8 training.steps=3 --run r --set model.latent_dim=16"
    command = parse(flags.split())
    assert isinstance(command, Train)
    assert command.set == ("model.width=8", "training.steps=3", "model.latent_dim=16")
    assert (command.recipe, command.folder) == ("hagan-64", Path("r"))

"""Completion in a real bash: what is offered is what the commands take."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hagan.cli.completion import script
from hagan.cli.main import COMMANDS, run


def offered(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for a line of words, of which the last one is being typed."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is absent")
    (tmp_path / "hagan.bash").write_text(script("bash"))
    line = " ".join(f"'{word}'" for word in ("hagan", *words))
    program = (
        f"source {tmp_path}/hagan.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _hagan; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    told = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    return [word for word in told.stdout.splitlines() if word]


def test_commands_are_offered(tmp_path: Path) -> None:
    assert set(COMMANDS) <= set(offered(tmp_path, ""))
    assert offered(tmp_path, "gen") == ["generate"]


def test_flags_are_those_of_the_command(tmp_path: Path) -> None:
    flags = offered(tmp_path, "prepare", "--")
    assert {"--protocol", "--on-gap", "--isotropic", "--no-isotropic", "--help"} <= set(flags)
    assert "--scans" not in flags  # positional
    assert offered(tmp_path, "train", "--minu") == ["--minutes"]
    assert "--folds" in offered(tmp_path, "experiment", "all", "--")


def test_forms_of_a_command_come_second(tmp_path: Path) -> None:
    assert offered(tmp_path, "experiment", "a") == ["ablation", "augmentation", "all"]
    assert offered(tmp_path, "phantom", "") == ["thorax", "brain"]


def test_choices_follow_their_flag(tmp_path: Path) -> None:
    words = offered(tmp_path, "prepare", "scans", "store", "--protocol", "")
    assert words == ["thorax-ct", "brain-t1", "generic"]
    assert offered(tmp_path, "prepare", "--on-gap", "i") == ["interpolate"]


def test_files_are_offered_where_no_flag_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan-one.nii").touch()
    monkeypatch.chdir(tmp_path)
    assert offered(tmp_path, "check", "scan-") == ["scan-one.nii"]


def test_other_shells_get_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("autoload -U +X bashcompinit")
    assert run(["completion", "fish"]) == 0
    fish = capsys.readouterr().out
    for name in COMMANDS:
        assert f"-a {name} -d " in fish
    assert "__fish_seen_subcommand_from prepare' -l on-gap -x -a 'fail interpolate skip'" in fish

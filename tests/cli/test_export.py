from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.cli import main
from hagan.data.files import sha256_of


def export(*arguments: str | Path) -> int:
    return main.run(["export", *(str(argument) for argument in arguments)])


def test_one_file_that_generates_what_the_run_generates(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "g.safetensors"
    assert export(run, out) == 0
    assert sha256_of(out) == sha256_of(run / "weights" / "model.safetensors")
    for model, name in ((run, "a"), (out, "b")):
        arguments = [str(model), str(tmp_path / name), "--count", "1", "--device", "cpu"]
        assert main.run(["generate", *arguments]) == 0
    volumes = [(tmp_path / name / "0000.nii.gz").read_bytes() for name in "ab"]
    assert volumes[0] == volumes[1]


def test_a_folder_for_a_hub_is_whole_and_loads_as_a_model(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "hub"
    assert export(run, out, "--licence", "cc-by-nc-4.0", "--data", "Six thoraces.") == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == ["README.md", "config.json", "model.safetensors"]
    assert "license: cc-by-nc-4.0" in (out / "README.md").read_text()
    assert json.loads((out / "config.json").read_text())["name"] == "narrow"
    arguments = [str(out / "model.safetensors"), str(tmp_path / "new"), "--count", "1"]
    assert main.run(["generate", *arguments, "--device", "cpu"]) == 0
    assert export(run, out) == 2


@pytest.mark.parametrize("name", ["g.pth", "g.bin"])
def test_a_format_that_is_not_written(
    run: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(run, tmp_path / name) == 2
    assert "name a file that ends in .safetensors or .onnx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_name_against_what_was_asked(run: Path, tmp_path: Path) -> None:
    assert export(run, tmp_path / "g.onnx", "--to", "safetensors") == 2
    assert export(run, tmp_path / "hub.v1", "--to", "hub") == 0


@pytest.mark.slow
def test_onnx(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    assert export(run, tmp_path / "g.onnx") == 0
    assert "differ from hagan's by at most" in capsys.readouterr().out

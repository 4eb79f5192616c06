"""`hagan import-official`: released files become a run, or are refused with their code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hagan.cli import main
from hagan.config.recipes import recipe
from hagan.data.formats import read_scan
from hagan.inference.sampler import Sampler
from hagan.models.ha_gan import HAGAN
from hagan.models.official import NETWORKS, official_names

FILES = ("G.pth", "D.pth", "E.pth", "Sub_E.pth")


@pytest.fixture(scope="module")
def model() -> HAGAN:
    """The official model of side 128, narrow."""
    torch.manual_seed(0)
    config = replace(recipe("hagan-official-128").model, width=4, latent_dim=16)
    return HAGAN(config).eval()


@pytest.fixture(scope="module")
def released(model: HAGAN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its four files as the authors' code saves them."""
    folder = tmp_path_factory.mktemp("released")
    for file, network in zip(FILES, NETWORKS, strict=True):
        ours = model.get_submodule(network).state_dict()
        names = official_names(model.config, network)
        state = {f"module.{theirs}": ours[name] for name, theirs in names.items()}
        torch.save({"model": state, "optimizer": {}}, folder / file)
    return folder


def run_import(*arguments: str | Path) -> int:
    flags = [str(argument) for argument in arguments]
    return main.run(["import-official", *flags, "--side", "128"])


@pytest.mark.parametrize(
    ("files", "encoder"),
    [(FILES[:1], "no"), (FILES[:2], "no"), ((FILES[0], *FILES[2:]), "yes"), (FILES, "yes")],
    ids=["G", "G D", "G E Sub_E", "G D E Sub_E"],
)
def test_files_in_their_order_become_a_run(
    files: tuple[str, ...],
    encoder: str,
    model: HAGAN,
    released: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    assert run_import(*(released / file for file in files), run) == 0
    printed = capsys.readouterr().out
    assert f"Imported {len(files)} files" in printed
    assert f"latent 16, classes none, encoder {encoder}" in printed
    loaded = Sampler.from_run(run).loaded
    assert loaded.geometry is None
    assert loaded.config.name == "hagan-official-128"
    assert ("encoder" in loaded.model.published()) == (encoder == "yes")
    for name, tensor in model.generator.state_dict().items():
        assert torch.equal(loaded.model.generator.state_dict()[name], tensor)


@pytest.mark.slow
def test_the_run_generates_what_the_model_built_directly_makes(
    model: HAGAN, released: Path, tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    assert run_import(released / "G.pth", run) == 0
    assert main.run(["generate", str(run), str(out), "--count", "1", "--seed", "4"]) == 0
    latents = Sampler.from_run(run).latents(0, seed=4)
    with torch.no_grad():
        expected = model.generate(latents)[0, 0].numpy()
    made = read_scan(out / "0000.nii.gz")
    np.testing.assert_array_equal(made.voxels, expected)
    assert made.spacing == (1, 1, 1)


def test_a_run_is_never_overwritten(
    released: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run / "weights" / "model.safetensors").read_bytes()
    assert run_import(released / "G.pth", run) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (run / "weights" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"cos\nsystem\n(S'touch MARKER'\ntR.", 7),
        (b"a text\n", 3),
        (b"", 3),
    ],
    ids=["hostile", "text", "empty"],
)
def test_what_is_no_checkpoint_is_refused_with_its_code(
    content: bytes, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "G.pth"
    path.write_bytes(content.replace(b"MARKER", str(marker).encode()))
    assert run_import(path, tmp_path / "run") == code
    said = capsys.readouterr().err
    assert said.startswith(f"hagan: {path}: ")
    assert said.count("\n") == 1
    assert not marker.exists()
    assert not (tmp_path / "run").exists()


def test_a_hostile_torch_zip_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'marker')!r}, 'w')",)

    torch.save({"model": {}, "optimizer": Hostile()}, tmp_path / "G.pth")
    assert run_import(tmp_path / "G.pth", tmp_path / "run") == 7
    assert not (tmp_path / "marker").exists()


def test_truncated_and_swapped_files_are_bad_input(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (released / "G.pth").read_bytes()
    (tmp_path / "G.pth").write_bytes(content[: len(content) // 2])
    assert run_import(tmp_path / "G.pth", tmp_path / "run") == 3
    assert run_import(released / "D.pth", tmp_path / "run") == 3
    assert "not a released generator" in capsys.readouterr().err
    assert run_import(released / "D.pth", released / "G.pth", tmp_path / "run") == 3
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_or_many_files_are_a_usage_error(
    count: int, released: Path, tmp_path: Path
) -> None:
    assert run_import(*[released / "G.pth"] * count, tmp_path / "run") == 2

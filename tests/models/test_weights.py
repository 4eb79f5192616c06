"""The weights file: what goes in comes out, with the same bytes, and nothing wrong is taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.files import sha256_of
from hagan.errors import BadInputError, HaganError
from hagan.models.build import build_model
from hagan.models.gan import GAN
from hagan.models.weights import METADATA_KEY, load_model, published_tensors, save_model

GEOMETRY = {"volume_shape": [32, 32, 32], "spacing": [1.0, 2.0, 0.3], "modality": "ct"}


@pytest.fixture
def config() -> RunConfig:
    tiny = recipe("hagan-tiny-32")
    return replace(tiny, model=replace(tiny.model, latent_dim=8))


@pytest.fixture
def model(config: RunConfig) -> GAN[Any]:
    return build_model(config.model).eval()


def test_a_loaded_model_makes_and_encodes_the_same(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    sha256 = save_model(model, path, config=config, step=17, geometry=GEOMETRY)
    loaded = load_model(path)
    assert (loaded.config, loaded.step, loaded.geometry) == (config, 17, GEOMETRY)
    assert loaded.sha256 == sha256 == sha256_of(path)
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    latents, volumes = torch.randn(2, 8), torch.rand(1, 1, 32, 32, 32) * 2 - 1
    with torch.no_grad():
        assert torch.equal(loaded.model.generate(latents), model.generate(latents))
        assert torch.equal(loaded.model.encode(volumes), model.encode(volumes))


def test_a_run_folder_stands_for_its_weights(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    run = RunDir(tmp_path / "run")
    run.weights.parent.mkdir(parents=True)
    save_model(model, run.weights, config=config, step=1, geometry=None)
    loaded = load_model(run.path)
    assert loaded.path == run.weights
    assert loaded.geometry is None


def test_only_what_makes_and_encodes_is_published(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
    assert names == set(published_tensors(model))
    assert {name.split(".")[0] for name in names} == {"generator", "encoder"}


def test_the_same_model_gives_the_same_bytes(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    hashes = {
        save_model(model, tmp_path / f"{n}", config=config, step=3, geometry=GEOMETRY)
        for n in range(5)
    }
    assert len(hashes) == 1
    assert save_model(model, tmp_path / "b", config=config, step=4, geometry=GEOMETRY) not in hashes


def test_where_nothing_was_saved_a_line_says_so(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none", tmp_path / "none.safetensors"):
        with pytest.raises(BadInputError, match="no weights at"):
            load_model(place)


def test_what_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for content in (b"", b"text", torch.arange(9).numpy().tobytes() * 30):
        path.write_bytes(content)
        with pytest.raises(BadInputError, match="not a readable safetensors file"):
            load_model(path)


def test_a_cut_file_is_refused(config: RunConfig, model: GAN[Any], tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    whole = path.read_bytes()
    for share in (0.01, 0.5, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadInputError):
            load_model(path)


def facts_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        facts: dict[str, Any] = json.loads(file.metadata()[METADATA_KEY])
    return facts


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"format": "pt"},
        {METADATA_KEY: "{"},
        {METADATA_KEY: "[]"},
        {METADATA_KEY: '{"format": "hagan-weights-99"}'},
        {METADATA_KEY: '{"format": "hagan-weights-1"}'},
    ],
)
def test_safetensors_of_others_are_refused(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(3)}, path, metadata)
    with pytest.raises(BadInputError, match="not a weights file of hagan"):
        load_model(path)


@pytest.mark.parametrize("key", ["config", "step", "geometry"])
def test_a_file_without_one_of_its_facts_is_refused(
    key: str, config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    facts = facts_of(path)
    del facts[key]
    save_file(published_tensors(model), path, {METADATA_KEY: json.dumps(facts)})
    with pytest.raises(BadInputError, match="not a weights file of hagan"):
        load_model(path)


@pytest.mark.parametrize("change", ["less", "more", "shape"])
def test_tensors_that_do_not_fit_their_recipe_are_refused(
    change: str, config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    metadata = {METADATA_KEY: json.dumps(facts_of(path))}
    tensors = dict(published_tensors(model))
    name = "generator.common.fc.bias"
    if change == "less":
        del tensors[name]
    elif change == "more":
        tensors["generator.more"] = torch.zeros(1)
    else:
        tensors[name] = tensors[name][:-1].clone()
    save_file(tensors, path, metadata)
    with pytest.raises(BadInputError, match="do not fit its own recipe"):
        load_model(path)


def test_a_configuration_of_another_version_is_named_with_its_file(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    facts = facts_of(path)
    facts["config"]["model"]["new_setting"] = 1
    save_file(published_tensors(model), path, {METADATA_KEY: json.dumps(facts)})
    with pytest.raises(HaganError, match=r"a\.safetensors.*new_setting"):
        load_model(path)


def test_what_is_not_wanted_takes_no_memory(
    config: RunConfig, model: GAN[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path, config=config, step=1, geometry=None)
    loaded = load_model(path, only=("generator",)).model
    latents = torch.randn(1, 8)
    with torch.no_grad():
        assert torch.equal(loaded.generate(latents), model.generate(latents))
    held = {name.partition(".")[0] for name, p in loaded.named_parameters() if not p.is_meta}
    assert held == {"generator"}
    # A file that lacks what is not wanted is damaged all the same.
    tensors = {k: v for k, v in published_tensors(model).items() if k != "encoder.ground.last.bias"}
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({k: v.clone() for k, v in tensors.items()}, path, metadata)
    with pytest.raises(BadInputError, match="do not fit"):
        load_model(path, only=("generator",))

"""Released checkpoints as files: read, translated, and refused where they are not what they say.

The released files are made up by formula; no file of the authors is needed.
"""

from __future__ import annotations

import os
import pickle
import random
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.errors import BadInputError, HaganError, UnsafeFileError, UsageError
from hagan.models.ha_gan import HAGAN
from hagan.models.official import (
    NETWORKS,
    OfficialFiles,
    config_of,
    import_official,
    official_names,
    read_official,
    translate,
)

SIDE = 128
FILES = ("G.pth", "D.pth", "E.pth", "Sub_E.pth")


def narrow(**changes: Any) -> HAGANConfig:
    """The official model of side 128, narrow enough for a test."""
    return replace(recipe(f"hagan-official-{SIDE}").model, width=8, latent_dim=24, **changes)


def official_recipe() -> HAGANConfig:
    return recipe(f"hagan-official-{SIDE}").model


def released(model: HAGAN) -> dict[str, dict[str, Tensor]]:
    """Each network's state dict as the authors' code would have saved it."""
    states = {}
    for network in NETWORKS:
        ours = model.get_submodule(network).state_dict()
        names = official_names(model.config, network)
        states[network] = {theirs: ours[name] for name, theirs in names.items()}
    for name in [n for n in states["discriminator"] if n.endswith(".u0")]:
        states["discriminator"][name.removesuffix("u0") + "sv0"] = torch.ones(1)
    states["generator"] |= {"bn7.weight": torch.ones(4), "bn7.bias": torch.zeros(4)}
    return states


def save(model: HAGAN, folder: Path, *, prefix: str = "", zipped: bool = True) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for file, state in zip(FILES, released(model).values(), strict=True):
        content = {
            "model": {f"{prefix}{name}": tensor for name, tensor in state.items()},
            "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4}]},
        }
        torch.save(content, folder / file, _use_new_zipfile_serialization=zipped)
    return [folder / file for file in FILES]


def files_of(paths: list[Path]) -> OfficialFiles:
    generator, discriminator, encoder, sub_encoder = paths
    return OfficialFiles(
        generator=generator, discriminator=discriminator, encoder=encoder, sub_encoder=sub_encoder
    )


def tensors_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def model() -> HAGAN:
    torch.manual_seed(0)
    return HAGAN(narrow())


@pytest.fixture(scope="module")
def paths(model: HAGAN, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return save(model, tmp_path_factory.mktemp("released"))


@pytest.fixture
def generator_state(model: HAGAN) -> dict[str, Tensor]:
    return dict(released(model)["generator"])


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_all_four_networks_come_back(
    model: HAGAN, tmp_path: Path, prefix: str, zipped: bool
) -> None:
    files = files_of(save(model, tmp_path, prefix=prefix, zipped=zipped))
    imported = import_official(files, official_recipe())
    assert imported.config == model.config
    assert tensors_equal(imported.state_dict(), model.state_dict())


@pytest.mark.slow
def test_a_volume_equals_the_one_of_the_model_built_directly(
    model: HAGAN, paths: list[Path]
) -> None:
    imported = import_official(files_of(paths), official_recipe()).eval()
    latents = torch.from_numpy(np.random.RandomState(1).standard_normal((1, 24))).float()
    with torch.no_grad():
        assert torch.equal(imported.generate(latents), model.eval().generate(latents))


def test_the_generator_is_enough(model: HAGAN, paths: list[Path]) -> None:
    imported = import_official(OfficialFiles(generator=paths[0]), official_recipe())
    assert imported.encoder is None
    assert tensors_equal(imported.generator.state_dict(), model.generator.state_dict())


def test_half_an_encoder_is_refused(paths: list[Path]) -> None:
    with pytest.raises(UsageError, match="both E and Sub_E"):
        import_official(OfficialFiles(generator=paths[0], encoder=paths[2]), official_recipe())


def test_latents_width_and_classes_are_found_in_the_tensors(tmp_path: Path) -> None:
    model = HAGAN(narrow(num_classes=5))
    paths = save(model, tmp_path)
    whole = import_official(files_of(paths), official_recipe())
    assert (whole.config.latent_dim, whole.config.width, whole.config.num_classes) == (24, 8, 5)
    with_encoder = OfficialFiles(generator=paths[0], encoder=paths[2], sub_encoder=paths[3])
    assert import_official(with_encoder, official_recipe()).config.num_classes == 5


@pytest.mark.parametrize(
    ("inputs", "latent_dim", "num_classes"), [(1024, 1024, 0), (1000, 1000, 0), (1029, 1024, 5)]
)
def test_a_generator_alone_tells_classes_only_beyond_the_papers_latents(
    inputs: int, latent_dim: int, num_classes: int
) -> None:
    state = {"fc1.weight": torch.zeros(4, inputs), "tp_conv6.weight": torch.zeros(32, 64, 3, 3, 3)}
    config = config_of(official_recipe(), state, None, None, source="G")
    assert (config.latent_dim, config.num_classes, config.width) == (latent_dim, num_classes, 64)
    assert config.encoder is False


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"fc1.weight": torch.zeros(4)},
        {"fc1.weight": torch.zeros(4, 1024), "tp_conv6.weight": torch.zeros(32)},
        {"fc1.weight": torch.zeros(4, 1025), "tp_conv6.weight": torch.zeros(32, 64)},
        {"fc1.weight": torch.zeros(4, 1024), "tp_conv6.weight": torch.zeros(32, 63)},
    ],
)
def test_shapes_of_no_released_generator_are_refused(state: dict[str, Tensor]) -> None:
    with pytest.raises(BadInputError, match=r"^G: "):
        config_of(official_recipe(), state, None, None, source="G")


def test_an_encoder_of_another_model_is_refused(generator_state: dict[str, Tensor]) -> None:
    encoder = {"conv5.weight": torch.zeros(1024, 4, 4, 4, 4)}
    with pytest.raises(BadInputError, match="fits no released model"):
        config_of(official_recipe(), generator_state, encoder, None, source="G")


@pytest.mark.parametrize("wrong", [1, 2, 3], ids=FILES[1:])
def test_another_networks_file_is_no_generator(paths: list[Path], wrong: int) -> None:
    with pytest.raises(BadInputError, match=f"{FILES[wrong]}: not a released generator"):
        import_official(OfficialFiles(generator=paths[wrong]), official_recipe())


def test_swapped_encoder_files_are_refused(paths: list[Path]) -> None:
    files = OfficialFiles(generator=paths[0], encoder=paths[3], sub_encoder=paths[2])
    with pytest.raises(BadInputError):
        import_official(files, official_recipe())


def test_another_side_is_refused(paths: list[Path]) -> None:
    with pytest.raises(BadInputError, match=r"D\.pth: not a released discriminator of side 256"):
        import_official(
            OfficialFiles(generator=paths[0], discriminator=paths[1]),
            recipe("hagan-official-256").model,
        )


def test_missing_unknown_and_misshapen_tensors_are_named(
    model: HAGAN, generator_state: dict[str, Tensor], tmp_path: Path
) -> None:
    def told(state: dict[str, Tensor]) -> str:
        torch.save({"model": state}, tmp_path / "G.pth")
        with pytest.raises(BadInputError) as error:
            import_official(OfficialFiles(generator=tmp_path / "G.pth"), official_recipe())
        return str(error.value)

    extra = {**generator_state, "tp_conv9.weight": torch.zeros(1)}
    assert "missing none, unknown ['tp_conv9.weight']" in told(extra)
    less = {k: v for k, v in generator_state.items() if k != "bn1.bias"}
    assert "missing ['bn1.bias'], unknown none" in told(less)
    bent = {**generator_state, "bn1.bias": torch.zeros(3)}
    assert "shapes do not fit a released generator" in told(bent)


def test_names_are_a_bijection_and_only_of_released_sides() -> None:
    for side in (128, 256):
        config = replace(narrow(num_classes=3), volume_shape=(side,) * 3)
        with torch.device("meta"):
            shapes = HAGAN(config)
        for network in NETWORKS:
            names = official_names(config, network)
            assert set(names) == set(shapes.get_submodule(network).state_dict())
            assert len(set(names.values())) == len(names)
    with pytest.raises(UsageError, match="no released checkpoint"):
        official_names(replace(narrow(), volume_shape=(64,) * 3), "generator")


def test_translate_takes_the_tensors_themselves(generator_state: dict[str, Tensor]) -> None:
    ours = translate(narrow(), "generator", generator_state, "G")
    assert ours["common.fc.weight"] is generator_state["fc1.weight"]
    assert ours["low.last.bias"] is generator_state["sub_G.tp_conv3.bias"]


class Hostile:
    """Unpickled without care it would make a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def write_hostile(kind: str, path: Path, marker: Path) -> None:
    hostile = Hostile(marker)
    if kind.startswith("raw"):
        path.write_bytes(pickle.dumps(hostile, protocol=int(kind[-1])))
    elif kind == "inst":
        path.write_bytes(f"(S'touch {marker}'\nios\nsystem\n.".encode())
    elif kind == "tar":
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(hostile))
        with tarfile.open(path, "w") as archive:
            for name in ("sys_info", "pickle", "storages", "tensors"):
                archive.add(part, name)
    else:
        content = {"model": {"fc1.weight": torch.zeros(2, 2)}, "optimizer": hostile}
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["raw0", "raw2", "raw4", "inst", "zip", "legacy"])
def test_a_hostile_file_is_refused_and_nothing_in_it_is_run(kind: str, tmp_path: Path) -> None:
    write_hostile(kind, tmp_path / "G.pth", tmp_path / "marker")
    with pytest.raises(UnsafeFileError, match="nothing in it was run") as error:
        read_official(tmp_path / "G.pth")
    assert not (tmp_path / "marker").exists()
    # Torch's own text tells how to load the file regardless; nobody should read that here.
    assert "weights_only" not in str(error.value)
    assert "\n" not in str(error.value)


def test_the_hostile_file_is_truly_hostile(tmp_path: Path) -> None:
    write_hostile("raw2", tmp_path / "G.pth", tmp_path / "marker")
    pickle.loads((tmp_path / "G.pth").read_bytes())
    assert (tmp_path / "marker").exists()


def test_a_hostile_tar_is_refused_too(tmp_path: Path) -> None:
    write_hostile("tar", tmp_path / "G.pth", tmp_path / "marker")
    with pytest.raises(BadInputError, match="not a readable torch checkpoint"):
        read_official(tmp_path / "G.pth")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"hello, this is a text\n", b"<!doctype html>\n", b'{"error": 404}', b"\x80\x02"],
    ids=["empty", "two bytes", "text", "html", "json", "begun"],
)
def test_what_is_no_checkpoint_is_bad_input(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "G.pth").write_bytes(content)
    with pytest.raises(BadInputError, match="not a readable torch checkpoint"):
        read_official(tmp_path / "G.pth")


@pytest.mark.parametrize("part", [0.05, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_truncated_file_is_bad_input(
    model: HAGAN, tmp_path: Path, part: float, zipped: bool
) -> None:
    path = save(model, tmp_path, zipped=zipped)[0]
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(BadInputError, match="not a readable torch checkpoint"):
        read_official(path)


def test_an_absent_file_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.pth"):
        with pytest.raises(BadInputError, match="not a readable torch checkpoint"):
            read_official(path)


@pytest.mark.parametrize("content", [[1, 2], {"model": 3}, {"model": {"a": "b"}}, torch.zeros(2)])
def test_a_file_without_a_state_dict_is_bad_input(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "G.pth")
    with pytest.raises(BadInputError, match="holds no state dict"):
        read_official(tmp_path / "G.pth")


def test_a_bare_state_dict_is_read(tmp_path: Path) -> None:
    torch.save({"module.fc1.weight": torch.ones(2)}, tmp_path / "G.pth")
    assert read_official(tmp_path / "G.pth")["fc1.weight"].tolist() == [1, 1]


def test_any_damage_ends_in_an_error_of_ours(tmp_path: Path) -> None:
    rng = random.Random(3)
    path = tmp_path / "G.pth"
    outcomes = set()
    for zipped in (True, False):
        good = {"model": {"a": torch.zeros(3, 3)}, "optimizer": {"lr": 0.1}}
        torch.save(good, path, _use_new_zipfile_serialization=zipped)
        content = path.read_bytes()
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(rng.choice((1, 3, 10))):
                damaged[rng.randrange(min(len(damaged), 1500))] = rng.randrange(256)
            path.write_bytes(damaged)
            try:
                read_official(path)
                outcomes.add("read")
            except (HaganError, MemoryError) as error:
                outcomes.add(type(error).__name__)
    assert {"read", "BadInputError"} <= outcomes

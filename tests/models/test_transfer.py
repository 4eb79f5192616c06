"""Beginning with another model's weights: what is taken, and what must be the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hagan.config.adam import AdamConfig
from hagan.config.models import ModelConfig
from hagan.config.recipes import recipe
from hagan.errors import BadInputError, UnsafeFileError, UsageError
from hagan.models.build import build_model
from hagan.models.transfer import begin_with, first_difference, open_source
from hagan.models.weights import save_model

TINY = recipe("hagan-tiny-32").with_model(width=4, latent_dim=8)


def saved(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    save_model(build_model(TINY.model), path, config=TINY, step=7, geometry=None)
    return path


def test_generator_and_encoder_are_taken_and_d_stays_as_it_was_drawn(tmp_path: Path) -> None:
    source = open_source(saved(tmp_path / "g.safetensors"))
    torch.manual_seed(1)
    model = build_model(TINY.model)
    drawn = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    begin_with(model, TINY.model, source)
    theirs = source.model.state_dict()
    for name, tensor in model.state_dict().items():
        published = name.startswith(("generator", "encoder"))
        assert torch.equal(tensor, theirs[name] if published else drawn[name]), name
    # What was loaded is a copy: training this one leaves the other.
    assert all(parameter.requires_grad for parameter in model.parameters())
    latents = torch.randn(1, 8)
    with torch.no_grad():
        expected = source.model.generate(latents)
        assert torch.equal(model.generate(latents), expected)
        next(model.generator.parameters()).add_(1.0)
        assert torch.equal(source.model.generate(latents), expected)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 8}, r"model\.width is 4 there and 8 here"),
        ({"latent_dim": 16, "width": 8}, r"model\.latent_dim is 8 there and 16 here"),
        ({"volume_shape": (64, 64, 64)}, "volume_shape is 32 x 32 x 32 there and 64 x 64 x 64"),
        ({"num_classes": 3}, "num_classes is 0 there and 3 here"),
        # The same shapes, and yet another network.
        ({"high_norm": "channel"}, "high_norm is rms there and channel here"),
        ({"encoder": False, "reconstruction_weight_generator": 0.0}, "encoder is True there"),
        ({"noise": True}, "noise is False there"),
    ],
)
def test_the_first_setting_that_differs_is_named(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    source = open_source(saved(tmp_path / "g.safetensors"))
    config = TINY.with_model(**changes).model
    with pytest.raises(UsageError, match=says) as caught:
        begin_with(build_model(config), config, source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_slabs": 4},
        {"middle_branch": True},
        {"adversarial": "hinge", "spectral_norm": True},
        {"adam_generator": AdamConfig(learning_rate=1e-5)},
    ],
    ids=str,
)
def test_how_the_new_run_learns_may_differ(tmp_path: Path, changes: dict[str, Any]) -> None:
    source = open_source(saved(tmp_path / "g.safetensors"))
    config = TINY.with_model(**changes).model
    model = build_model(config)
    begin_with(model, config, source)
    latents = torch.randn(1, 8)
    with torch.no_grad():
        assert torch.equal(model.generate(latents), source.model.generate(latents))


def test_other_models_are_the_same_or_refused() -> None:
    wgan: ModelConfig = recipe("wgan-tiny-32").model
    assert first_difference(wgan, wgan) is None
    other = replace(wgan, latent_dim=wgan.latent_dim + 1)
    assert "latent_dim" in str(first_difference(wgan, other))
    assert first_difference(wgan, TINY.model) == "it is of WGANConfig, this recipe of HAGANConfig"


class Runs:
    """A pickle that leaves a file behind where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["torch", "old torch", "pickle"])
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, kind: str) -> None:
    file, trap = tmp_path / "g.safetensors", tmp_path / "ran"
    if kind == "pickle":
        file.write_bytes(pickle.dumps(Runs(trap)))
    else:
        torch.save(Runs(trap), file, _use_new_zipfile_serialization=kind == "torch")
    with pytest.raises(UnsafeFileError, match="loading a pickle could run code") as caught:
        open_source(file)
    assert caught.value.exit_code == 7
    assert not trap.exists()


def test_what_is_no_weights_file_is_said_as_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no weights"):
        open_source(tmp_path)
    (tmp_path / "g.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInputError, match="not a readable safetensors file"):
        open_source(tmp_path / "g.safetensors")

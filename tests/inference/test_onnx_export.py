"""ONNX: what another runtime makes of the same code is the same volume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hagan.config.recipes import recipe
from hagan.data.store import Store
from hagan.errors import UsageError
from hagan.inference.onnx_export import export_onnx
from hagan.models.build import build_model
from hagan.models.weights import load_model, save_model
from inference.made import save_run

ort = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("conditional", [False, True])
def test_another_runtime_makes_the_same_volume(
    tmp_path: Path, run: Path, labelled_run: Path, conditional: bool
) -> None:
    loaded = load_model(labelled_run if conditional else run)
    apart = export_onnx(loaded, tmp_path / "g.onnx")
    assert apart < 1e-4
    session = ort.InferenceSession(str(tmp_path / "g.onnx"))
    latents = torch.randn(1, loaded.model.latent_dim)
    given = {"latents": latents.numpy()}
    labels = None
    if conditional:
        labels = torch.tensor([[0.0, 1.0]])
        given["labels"] = labels.numpy()
    (found,) = session.run(None, given)
    with torch.no_grad():
        expected = loaded.model.generate(latents, labels).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    told = session.get_modelmeta().custom_metadata_map
    assert told["hagan.weights_sha256"] == loaded.sha256
    assert json.loads(told["hagan.geometry"])["modality"] == "ct"
    assert "not for clinical use" in told["hagan.notice"]


def test_noise_is_that_of_the_code_there_too(tmp_path: Path, mr_store: Store) -> None:
    """It is a hash of the code, computed by ONNX's own operations."""
    loaded = load_model(save_run(tmp_path / "run", mr_store, noise=True))
    latents = torch.randn(1, loaded.model.latent_dim)
    quiet = loaded.model.generate(latents)
    for parameter in loaded.model.generator.high.noises.parameters():
        parameter.fill_(1.0)
    noisy = loaded.model.generate(latents)
    assert float((noisy - quiet).std()) > 0.01
    assert export_onnx(loaded, tmp_path / "g.onnx") < 1e-4
    session = ort.InferenceSession(str(tmp_path / "g.onnx"))
    (found,) = session.run(None, {"latents": latents.numpy()})
    assert np.abs(found - noisy.numpy()).max() < 1e-4


def test_another_volume_is_never_written(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_model(run)
    monkeypatch.setattr("hagan.inference.onnx_export.TOLERANCE", 0.0)
    with pytest.raises(UsageError, match=r"onnxruntime's volumes differ"):
        export_onnx(loaded, tmp_path / "g.onnx")
    assert not list(tmp_path.iterdir())


def test_what_onnx_cannot_hold_is_told_in_one_line(tmp_path: Path) -> None:
    """StyleGAN's noise is drawn by a generator of its own, which no ONNX file holds."""
    config = recipe("style-gan-tiny-32")
    run = tmp_path / "g.safetensors"
    save_model(build_model(config.model), run, config=config, step=0, geometry=None)
    with pytest.raises(UsageError, match=r"StyleGAN cannot be written as ONNX: ") as caught:
        export_onnx(load_model(run), tmp_path / "g.onnx")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "g.onnx").exists()

"""Truncation of a model whose latents are normalised: it acts on styles, streamed or not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.store import Store
from hagan.inference.export import Row, hash_of, regenerate
from hagan.inference.sampler import Sampler
from hagan.models.baselines.style_gan import StyleGAN
from hagan.models.weights import save_model


@pytest.fixture(scope="module")
def style_run(mr_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained narrow StyleGAN whose mean style is not 0."""
    config = RunConfig(
        name="narrow",
        model=StyleGANConfig(volume_shape=(32, 32, 32), latent_dim=16, width=8),
        training=TrainingConfig(steps=1),
    )
    torch.manual_seed(0)
    assert isinstance(config.model, StyleGANConfig)
    model = StyleGAN(config.model)
    with torch.no_grad():
        model.generator.mapping.mean.copy_(model.generator.mapping(torch.randn(200, 16)).mean(0))
        # Within [-1, 1], so that nothing is clamped.
        model.generator.synthesis.to_volume.weight.mul_(0.1)
    run = RunDir(tmp_path_factory.mktemp("runs") / "style")
    run.weights.parent.mkdir(parents=True)
    geometry = json.loads(mr_store.geometry.to_json())
    save_model(model, run.weights, config=config, step=0, geometry=geometry)
    return run.path


def test_volumes_move_towards_the_one_of_the_mean_style(style_run: Path) -> None:
    sampler = Sampler.from_run(style_run)
    shares = (1.0, 0.7, 0.3, 1e-6)
    sets = [
        np.stack([sampler.sample(i, seed=2, truncation=share).voxels for i in range(6)])
        for share in shares
    ]
    spreads = [float(volumes.std(axis=0).mean()) for volumes in sets]
    assert spreads[0] > 1.1 * spreads[1] > 1.5 * spreads[2]
    assert spreads[3] < 1e-3 * spreads[0]
    model = sampler.loaded.model
    assert isinstance(model, StyleGAN)
    styles = model.generator.mapping.mean[None, None].expand(
        1, model.generator.synthesis.num_styles, -1
    )
    noises = [
        torch.randn(1, 1, *grid, generator=torch.Generator().manual_seed(number))
        for number, grid in enumerate(model.generator.synthesis.grids)
    ]
    typical = model.generator.synthesis(styles, noises)[0, 0].numpy()
    geometry = sampler.geometry
    assert geometry is not None
    expected = geometry.window.unwindow(typical)
    np.testing.assert_allclose(sets[3][0], expected, atol=1e-3 * float(np.ptp(expected)))


def test_a_truncation_of_one_is_none(style_run: Path) -> None:
    sampler = Sampler.from_run(style_run)
    assert sampler.latents(3, seed=1).shape == (1, 16)
    whole = sampler.sample(3, seed=1, truncation=1.0)
    assert np.array_equal(whole.voxels, sampler.sample(3, seed=1).voxels)


def test_slabs_and_the_manifest_give_the_truncated_volume_again(
    style_run: Path, tmp_path: Path
) -> None:
    slabs, whole = (Sampler.from_run(style_run, stream=s) for s in ("always", "never"))
    with slabs.sample_on_disk(1, seed=4, folder=tmp_path, truncation=0.7) as (volume, sha256):
        assert hash_of(volume) == sha256
        assert np.array_equal(volume.voxels, whole.sample(1, seed=4, truncation=0.7).voxels)
        assert not np.array_equal(volume.voxels, whole.sample(1, seed=4).voxels)
        row = Row(file="a.npy", sha256=sha256, seed=4, index=1, truncation=0.7)
        assert np.array_equal(regenerate(whole, row).voxels, volume.voxels)

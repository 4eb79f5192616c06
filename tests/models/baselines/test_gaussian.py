"""The Gaussian, from its training to its weights file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hagan.config.baselines.gaussian import GaussianConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.batches import Batch
from hagan.evaluation.anchors import gaussian
from hagan.evaluation.sets import ArraySet
from hagan.inference.sampler import Sampler
from hagan.models.baselines.gaussian import Gaussian
from hagan.models.weights import load_model, published_tensors, save_model
from hagan.training.trainer import Trainer
from networks.made_rows import SHAPE, volumes
from networks.test_principal_components import by_svd


def fitted(rows: Tensor, batch: int, components: int, *, passes: int = 1) -> Gaussian:
    model = Gaussian(GaussianConfig(volume_shape=SHAPE, latent_dim=components)).to(rows.dtype)
    for _ in range(passes):
        for part in rows.split(batch):
            model.fit(model.prepare(part, None))
    return model


def test_components_that_no_volume_asked_for_are_not_in_use() -> None:
    rows = volumes(5)
    model = fitted(rows, 5, 9)
    generator = model.generator
    assert bool((generator.deviations[:4] > 0).all())
    assert torch.equal(generator.deviations[4:], torch.zeros(5).double())
    assert torch.equal(generator.components[4:], torch.zeros(5, 120).double())
    codes = model.encode(rows)
    assert torch.equal(codes[:, 4:], torch.zeros(5, 5).double())
    torch.testing.assert_close(model.generate(codes), rows, rtol=0, atol=1e-10)


def test_codes_of_the_training_volumes_are_white() -> None:
    rows = volumes(30)
    codes = fitted(rows, 30, 7).encode(rows)
    identity = torch.eye(7, dtype=torch.float64)
    torch.testing.assert_close(torch.cov(codes.t()), identity, rtol=0, atol=1e-8)
    torch.testing.assert_close(codes.mean(dim=0), torch.zeros(7).double(), rtol=0, atol=1e-10)


def test_generating_and_encoding_are_inverse_within_the_range() -> None:
    model = fitted(volumes(30), 10, 7)
    codes = 0.5 * torch.randn(4, 7, dtype=torch.float64)
    made = model.generate(codes)
    assert float(made.abs().max()) < 1.0, "nothing was clipped"
    torch.testing.assert_close(model.encode(made), codes, rtol=0, atol=1e-8)
    assert float(model.generate(1000 * codes).abs().max()) == 1.0


def test_the_term_is_what_the_components_of_before_leave_of_a_batch() -> None:
    rows = volumes(20)
    model = fitted(rows[:12], 12, 5)
    mean, vectors, _ = by_svd(rows[:12], 5)
    fresh = rows[12:].flatten(1).numpy() - mean
    beside = fresh - fresh @ vectors.T @ vectors
    (term,) = model.fit(model.prepare(rows[12:], None)).values()
    assert float(term) == pytest.approx(float((beside**2).mean()), rel=1e-9)


def test_in_use_it_takes_up_nothing() -> None:
    model = fitted(volumes(8), 8, 3).eval()
    before = {name: tensor.clone() for name, tensor in model.named_buffers()}
    model.fit(model.prepare(volumes(4, seed=9), None))
    for name, tensor in model.named_buffers():
        assert torch.equal(tensor, before[name]), name


def test_mean_and_variance_of_each_voxel_are_those_of_the_anchor() -> None:
    """The anchor draws, so that its moments are met within four standard errors of the draws."""
    rows = volumes(12, seed=5)
    model = fitted(rows, 4, 11)
    generator = model.generator
    variance = (generator.deviations[:, None] * generator.components).square().sum(dim=0)
    arrays = [volume[0].float().numpy() for volume in rows]
    train = ArraySet("train", arrays, [f"subject-{i}" for i in range(12)])
    draws = gaussian(train, 6000, seed=1)
    drawn = np.stack([draws.volume(index).ravel() for index in range(6000)])
    sigma = variance.sqrt().numpy()
    assert np.abs(drawn.mean(axis=0) - generator.mean.numpy()).max() < 4.5 * sigma.max() / 77
    np.testing.assert_allclose(drawn.var(axis=0), variance.numpy(), rtol=0.1)
    exact = np.stack(arrays).reshape(12, -1).astype(np.float64).var(axis=0, ddof=1)
    np.testing.assert_allclose(variance.numpy(), exact, rtol=1e-5)


# From training to sampling.


class Cycle:
    """Ten volumes in turn."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        generator = torch.Generator().manual_seed(1)
        ramp = torch.linspace(-0.5, 0.5, 32).view(1, 1, 32, 1, 1)
        slopes = torch.rand(10, 1, 1, 1, 1, generator=generator)
        self.volumes = slopes * ramp + 0.05 * torch.randn(10, 1, 32, 32, 32, generator=generator)

    def at(self, step: int, repeat: int = 0) -> Batch:
        picked = (torch.arange(self.batch_size) + step * self.batch_size) % 10
        return Batch(volumes=self.volumes[picked], labels=None)


def run(steps: int) -> RunConfig:
    config = recipe("gaussian-tiny-32")
    return replace(config, training=TrainingConfig(steps=steps, batch_size=5))


def test_a_run_holds_its_components_once_and_samples_from_them(tmp_path: Path) -> None:
    config, batches = run(2), Cycle(5)
    trainer = Trainer(Gaussian(config.model), config, batches, RunDir(tmp_path))  # type: ignore[arg-type]
    assert trainer.averages == {}
    trainer.train()
    stored = load_file(RunDir(tmp_path).weights)
    shapes = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    assert shapes == {
        "generator.mean": (32**3,),
        "generator.components": (32, 32**3),
        "generator.deviations": (32,),
        "generator.seen": (),
    }
    sampler = Sampler.from_run(tmp_path)
    first, second = (sampler.sample(index, seed=3).voxels for index in (0, 1))
    assert first.shape == (32, 32, 32)
    assert not np.array_equal(first, second)
    assert np.abs(first).max() <= 1.0
    loaded = load_model(tmp_path).model
    assert isinstance(loaded, Gaussian)
    rebuilt = loaded.generate(loaded.encode(batches.volumes))
    torch.testing.assert_close(rebuilt, batches.volumes, rtol=0, atol=1e-4)


def test_a_loaded_model_goes_where_its_generator_goes(tmp_path: Path) -> None:
    """The encoder keeps no copy of its own that could stay behind."""
    config = run(1)
    model = Gaussian(config.model)  # type: ignore[arg-type]
    model.fit(model.prepare(Cycle(5).volumes, None))
    assert set(published_tensors(model)) == {f"generator.{n}" for n in model.generator.state_dict()}
    save_model(model, tmp_path / "w.safetensors", config=config, step=1, geometry=None)
    loaded = load_model(tmp_path / "w.safetensors").model.double()
    codes = loaded.encode(Cycle(5).volumes.double())
    assert codes.dtype == torch.float64
    torch.testing.assert_close(codes.float(), model.encode(Cycle(5).volumes), rtol=1e-3, atol=1e-4)

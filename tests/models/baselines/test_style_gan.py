"""StyleGAN 2: its sizes, what it makes, and training however a batch is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.batches import Batch
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.style_gan import Draws, StyleGAN
from hagan.models.build import build_model
from hagan.models.weights import load_model
from hagan.training.cost import step_cost
from hagan.training.trainer import Trainer
from hagan.training.tuning import fastest_forms
from models.baselines.small_style_gan import SHAPE, SMALL, made, volumes_of


def test_networks_have_the_papers_sizes() -> None:
    """Side 128: five doublings of 4 x 4 x 4 with 96 channels, twelve styles of 128 entries."""
    with torch.device("meta"):
        model = build_model(recipe("style-gan-128").model)
    assert isinstance(model, StyleGAN)
    assert model.generator.synthesis.num_styles == 12
    width, z = 96, 128
    mapping = 8 * (z * z + z)
    affine = z * width + width
    layer = 27 * width**2 + affine + width + 1
    generator = mapping + 64 * width + 11 * layer + (width + affine + 1)
    block = (27 * width**2 + width) + (27 * width**2 + width) + width**2
    head = 27 * (width + 1) * width + width + 64 * width**2 + width + width + 1
    discriminator = (width + width) + 5 * block + head
    assert sum(p.numel() for p in model.generator.parameters()) == generator
    assert sum(p.numel() for p in model.discriminator.parameters()) == discriminator


# What it makes.


def test_use_is_deterministic_and_training_is_noisy_and_mixed() -> None:
    model = made()
    latents = torch.randn(3, 4, dtype=torch.float64)
    volumes = model.generate(latents)
    for training in (True, False):
        model.train(training)
        torch.testing.assert_close(model.generate(latents[1:2]), volumes[1:2])
    draws = model.draw(3)
    again = Draws(draws.latents, draws.others, draws.cuts, draws.seeds + 1)
    assert not torch.allclose(model.make(draws), model.make(again)), "other noise"
    torch.testing.assert_close(model.make(draws), model.make(draws))


def test_a_linear_output_is_judged_as_it_is_and_clamped_for_use() -> None:
    model = made()
    with torch.no_grad():
        model.generator.synthesis.bias.fill_(5.0)
        assert float(model.make(model.draw(1)).max()) > 2
        assert float(model.generate(model.draw_latents(1)).max()) == 1


def test_later_layers_take_the_other_style() -> None:
    model = made()
    draws = model.draw(3)
    cuts = torch.tensor([[1.0], [3.0], [4.0]])
    styles = model.styles(Draws(draws.latents, draws.others, cuts, draws.seeds))
    own, other = model.generator.mapping(draws.latents), model.generator.mapping(draws.others)
    for volume, cut in enumerate((1, 3, 4)):
        for layer in range(4):
            expected = own if layer < cut else other
            torch.testing.assert_close(styles[volume, layer], expected[volume])


def test_nine_in_ten_are_mixed_at_any_layer_but_the_first() -> None:
    torch.manual_seed(1)
    cuts = made().draw(4000).cuts[:, 0]
    shares = [float((cuts == layer).double().mean()) for layer in range(1, 5)]
    assert shares == pytest.approx([0.3, 0.3, 0.3, 0.1], abs=0.03)
    assert set(made(mixing_probability=0.0).draw(50).cuts[:, 0].tolist()) == {4.0}


def test_truncation_goes_towards_the_mean_style() -> None:
    model = made()
    model.generator.mapping.mean.normal_()
    latents = torch.randn(3, 4, dtype=torch.float64)
    plain = model.generate(latents)
    torch.testing.assert_close(model.generate(0.7 * latents), plain, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(model.generate(model.truncated(latents, 1.0)), plain)
    none = model.generate(model.truncated(latents, 0.0))
    torch.testing.assert_close(none, none[:1].expand_as(none))
    shrunk = model.generate(model.truncated(latents, 0.7))
    own, mean = model.generator.mapping(latents), model.generator.mapping.mean
    styles = (0.7 * own + 0.3 * mean)[:, None].expand(-1, 4, -1)
    noises = [
        torch.randn(1, 1, *grid, generator=torch.Generator().manual_seed(number)).double()
        for number, grid in enumerate([(4, 5, 6), SHAPE, SHAPE])
    ]
    expected = model.generator.synthesis(styles, noises).clamp(-1, 1)
    torch.testing.assert_close(shrunk, expected, rtol=1e-9, atol=1e-9)
    spread = [float(v.detach().std(dim=0).mean()) for v in (plain, shrunk)]
    assert spread[1] < spread[0]


# Training.


class Noise:
    """Other random volumes at each step."""

    def __init__(self, count: int, dtype: torch.dtype) -> None:
        self.count, self.dtype = count, dtype

    def at(self, step: int, repeat: int = 0) -> Batch:
        generator = torch.Generator().manual_seed(step)
        volumes = torch.rand(self.count, 1, *SHAPE, generator=generator, dtype=self.dtype)
        return Batch(volumes=volumes * 2 - 1, labels=None)


def run_of(config: StyleGANConfig, **training: Any) -> RunConfig:
    return RunConfig(name="test", model=config, training=TrainingConfig(**training))


def trainer_of(
    config: StyleGANConfig, folder: Path, dtype: torch.dtype, **training: Any
) -> Trainer:
    run = run_of(config, **training)
    torch.manual_seed(0)
    model = build_model(config).to(dtype)
    return Trainer(model, run, Noise(run.training.batch_size, dtype), RunDir(folder))


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 4])
@pytest.mark.parametrize("accumulate", [2, 3, 5])
def test_a_batch_in_parts_moves_weights_as_the_whole(
    accumulate: int, group: int, tmp_path: Path
) -> None:
    """Five volumes, in groups that no cut respects; some parts have no path lengths of their own.

    The moving average, the mean style and the mean path length are the same too.
    """
    config = replace(SMALL, deviation_group=group)
    runs = [
        trainer_of(
            config, tmp_path / str(k), torch.float64, batch_size=5, accumulate=k,
            average_half_life=10.0,
        )
        for k in (1, accumulate)
    ]  # fmt: skip
    for _ in range(5):
        whole, parts = (run.train_step() for run in runs)
        assert parts == pytest.approx(whole, rel=1e-10, abs=1e-12)
    states = [run.model.state_dict() for run in runs]
    assert states[0]["path_mean"] > 0
    assert states[0]["generator.mapping.mean"].abs().min() > 0
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=1e-8, atol=1e-9, msg=name)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_bf16_goes_through_due_and_other_steps(accumulate: int, tmp_path: Path) -> None:
    trainer = trainer_of(
        SMALL, tmp_path, torch.float32, batch_size=2, accumulate=accumulate, precision="bf16"
    )
    for _ in range(5):
        values = trainer.train_step()
        assert all(np.isfinite(value) for value in values.values())


def test_weights_for_use_hold_the_mean_style(tmp_path: Path) -> None:
    trainer = trainer_of(
        SMALL, tmp_path, torch.float32, batch_size=2, steps=3, average_half_life=5.0
    )
    trainer.train()
    loaded = load_model(tmp_path).model
    assert isinstance(loaded, StyleGAN)
    mean = loaded.generator.mapping.mean
    assert mean.device.type == "cpu"
    assert float(mean.abs().min()) > 0
    latents = torch.randn(2, 4)
    assert not torch.equal(
        loaded.generate(loaded.truncated(latents, 0.5)), loaded.generate(latents)
    )


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_predicted_cost_has_the_slope_and_the_path(accumulate: int) -> None:
    lazy = step_cost(run_of(SMALL, batch_size=2, accumulate=accumulate))
    without = step_cost(
        run_of(replace(SMALL, r1_gamma=0.0, path_weight=0.0), batch_size=2, accumulate=accumulate)
    )
    for due, plain in zip(lazy.phases, without.phases, strict=True):
        assert due.flops > 1.3 * plain.flops, due.name
    assert lazy.saved > without.saved


def test_looking_for_fast_forms_leaves_the_model_as_it_was() -> None:
    model = made().float()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert fastest_forms(model, Noise(2, torch.float32).at(0), "fp32", torch.device("cpu")) == {}
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


def test_one_volume_is_a_batch() -> None:
    model = made()
    for phase in model.phases():
        model.zero_grad()
        terms = phase.loss(Reals(volumes_of(1)))
        assert len(terms) > 1
        sum(terms.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in phase.trains.parameters() if p.grad is not None]
        assert gradients
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)

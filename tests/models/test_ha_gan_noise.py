"""HA-GAN with noise in G^H: the same in a slab, in streamed slabs and in the whole volume."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN

DEEP = {"volume_shape": (64, 48, 64), "high_doublings": 3, "num_slabs": 4, "width": 16}
DEPTHS = [{}, DEEP]


def noisy(*, noise: bool = True, gain: float = 1.0, **changes: Any) -> HAGAN:
    """A model whose noise can be seen in its volumes."""
    torch.manual_seed(0)
    sizes = {"volume_shape": (48, 32, 40), "width": 8, "latent_dim": 16, "num_slabs": 6}
    config = HAGANConfig(noise=noise, **{"high_norm": "rms"} | sizes | changes)  # type: ignore[arg-type]
    model = HAGAN(config).double().eval()
    if model.generator.high.noises is not None:
        for layer in model.generator.high.noises:
            torch.nn.init.constant_(layer.gain, gain)
    return model


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).detach().abs().max())


@pytest.mark.parametrize("changes", DEPTHS, ids=["two", "three"])
def test_a_slab_has_the_noise_of_the_whole_volume(changes: dict[str, Any]) -> None:
    """At the borders of the volume, next to them, and at every place within A's slices."""
    model = noisy(**changes)
    codes = model.draw_latents(2)
    whole = model.generate(codes)
    quiet = noisy(**changes, gain=0.0).generate(codes)
    assert float((whole - quiet).detach().std()) > 0.01
    depth = model.config.slab_shape[0]
    last = model.config.volume_shape[0] - depth
    for start in (0, 1, 2, 3, 4, 5, 6, 7, 13, last - 1, last):
        slab = model.pair_of(codes, None, start).slab
        own = whole[:, :, start : start + depth]
        assert difference(slab, own) < 1e-10, start
        single = model.float().pair_of(codes.float(), None, start).slab
        assert difference(single.double(), own) < 1e-5, start
        model.double()
    parts = model.pair_of(codes, None, 0, whole=True).slab
    assert difference(parts.view(2, 1, *whole.shape[2:]), whole) < 1e-10


@pytest.mark.parametrize("start", [0, 4, 16, 24, 32])
@pytest.mark.parametrize("gradients", [True, False])
def test_a_slab_cut_as_the_released_code_does_has_it_too(*, start: int, gradients: bool) -> None:
    """Its faces inside the volume meet zeros instead of neighbours; behind them all is the same."""
    model = noisy(alignment="floor", num_slabs=3)
    codes = model.draw_latents(2)
    with torch.set_grad_enabled(gradients):
        slab = model.pair_of(codes, None, start).slab
    own = model.generate(codes)[:, :, start : start + 16]
    assert difference(slab[:, :, 4:12], own[:, :, 4:12]) < 1e-10


@pytest.mark.parametrize("norm", ["rms", "group"])
@pytest.mark.parametrize("changes", DEPTHS, ids=["two", "three"])
def test_streams_of_any_depth_are_one_pass(changes: dict[str, Any], norm: str) -> None:
    model = noisy(**changes, high_norm=norm)
    codes = model.draw_latents(1)
    whole = model.generate(codes)
    single = noisy(**changes, high_norm=norm).float()
    with torch.no_grad():
        of_single = single.generate(codes.float())
    assert difference(of_single.double(), whole) < 1e-4
    for depth in (8, 16, 40, 64):
        slabs = torch.cat(list(model.generate_slabs(codes, depth=depth)), dim=2)
        assert difference(slabs, whole) < 1e-10, depth
        slabs = torch.cat(list(single.generate_slabs(codes.float(), depth=depth)), dim=2)
        assert torch.equal(slabs, of_single), depth


def test_each_volume_of_a_batch_has_the_noise_of_its_own_code() -> None:
    model = noisy()
    codes = model.draw_latents(3)
    together = model.generate(codes)
    for number in range(3):
        alone = model.generate(codes[number : number + 1])
        assert difference(alone, together[number : number + 1]) < 1e-10
    nearly = codes[:1] + 1e-4
    texture, quiet = (
        difference(one.generate(codes[:1]), one.generate(nearly))
        for one in (model, noisy(gain=0.0))
    )
    assert texture > 10 * quiet


def test_the_slab_that_is_rebuilt_from_its_own_features_has_none() -> None:
    """Eq. (6) knows no code."""
    torch.manual_seed(1)
    real = torch.rand(2, 1, 48, 32, 40, dtype=torch.float64) * 2 - 1
    values = []
    for gain in (0.0, 1.0):
        model = noisy(gain=gain)
        torch.manual_seed(2)
        values.append(float(model.high_encoder_loss(model.prepare(real, None))["slab"].detach()))
    assert values[0] == values[1]


@pytest.mark.parametrize("family", ["hagan", "hagan-paper", "hagan-official"])
def test_a_run_begins_as_it_would_without(family: str) -> None:
    """Gains are 0 and nothing is drawn for them: the same weights, names, terms and volumes."""
    config = replace(recipe(f"{family}-32").model, width=8, latent_dim=16)
    models = []
    for noise in (False, True):
        torch.manual_seed(0)
        models.append(HAGAN(replace(config, noise=noise)))
    plain, with_noise = (model.state_dict() for model in models)
    assert set(with_noise) - set(plain) == {"generator.high.noises.0.gain"}
    assert all(torch.equal(plain[name], with_noise[name]) for name in plain)
    real = torch.rand(2, 1, 32, 32, 32) * 2 - 1
    terms = []
    for model in models:
        torch.manual_seed(3)
        batch = model.prepare(real, None)
        terms.append(
            [float(t.detach()) for phase in model.phases() for t in phase.loss(batch).values()]
        )
    assert terms[0] == terms[1]


def test_gains_learn_in_the_generators_turn() -> None:
    model = noisy(gain=0.0, **DEEP)
    real = torch.rand(2, 1, *model.volume_shape, dtype=torch.float64) * 2 - 1
    model.generator_loss(model.prepare(real, None))["fake"].backward()
    noises = model.generator.high.noises
    assert noises is not None
    assert len(noises) == 2
    for layer in noises:
        assert float(layer.gain.grad.abs().min()) > 0

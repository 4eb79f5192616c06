"""Deeper hierarchies, slabs of every local normalisation, and steps of full volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.errors import UsageError
from hagan.models.ha_gan import HAGAN

LOCAL = ("rms", "channel", "none")
DEEP = {"high_doublings": 3, "width": 16, "latent_dim": 8, "num_slabs": 4}


def made(shape: tuple[int, int, int] = (64, 64, 64), **changes: Any) -> HAGAN:
    torch.manual_seed(0)
    config = HAGANConfig(volume_shape=shape, **DEEP | changes)
    model = HAGAN(config).double()
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            torch.nn.init.normal_(parameter, 1, 0.5)
    return model


def reals(model: HAGAN, count: int = 2) -> Tensor:
    return torch.rand(count, 1, *model.volume_shape, dtype=torch.float64) * 2 - 1


def test_a_deeper_hierarchy_has_the_same_a_for_twice_the_side() -> None:
    half, whole = (
        HAGANConfig(volume_shape=(256,) * 3),
        HAGANConfig(volume_shape=(512,) * 3, high_doublings=3, num_slabs=16),
    )
    assert half.low_shape == whole.low_shape == (64, 64, 64)
    assert half.base_shape == whole.base_shape == (4, 4, 4)
    assert whole.slab_shape == (32, 512, 512)
    assert HAGANConfig(volume_shape=(512, 512, 256), high_doublings=3).base_shape == (4, 4, 2)
    with pytest.raises(UsageError, match="a multiple of 8 slices and at least 16"):
        HAGANConfig(volume_shape=(512,) * 3, high_doublings=3, num_slabs=64)


@pytest.mark.parametrize("num_slabs", [32, 64])
def test_a_slab_is_no_thinner_than_d_h_can_halve(num_slabs: int) -> None:
    """At 256 its layers halve the depth three times before they are flat."""
    sizes = {"volume_shape": (256, 256, 256), "num_slabs": num_slabs}
    if num_slabs == 64:
        with pytest.raises(UsageError, match="at least 8"):
            HAGANConfig(**sizes)
        return
    with torch.device("meta"):
        model = HAGAN(HAGANConfig(**sizes))
    assert all(p.numel() > 0 for p in model.discriminator.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("norm", LOCAL)
@pytest.mark.parametrize("shape", [(64, 64, 64), (64, 64, 32), (96, 48, 64)], ids=str)
def test_a_slab_of_three_doublings_is_that_of_the_whole(
    shape: tuple[int, int, int], norm: str
) -> None:
    model = made(shape, high_norm=norm)
    latents = model.draw_latents(2)
    whole = model.generate(latents)
    assert whole.shape == (2, 1, *shape)
    depth = model.config.slab_shape[0]
    for start in (0, 1, 2, 3, 4, 5, 7, 8, 19, shape[0] - depth - 1, shape[0] - depth):
        slab = model.pair_of(latents, None, start).slab
        assert float((slab - whole[:, :, start : start + depth]).detach().abs().max()) < 1e-12, (
            start
        )


@pytest.mark.parametrize("norm", LOCAL)
def test_e_h_of_three_halvings_gives_a_slab_the_features_of_the_whole(norm: str) -> None:
    model = made((112, 48, 64), high_norm=norm, num_slabs=7)
    assert model.encoder is not None
    volumes = reals(model)
    features = model.encoder.high(volumes)
    assert features.shape[2:] == model.config.low_shape == (14, 6, 8)
    for start in (0, 1, 13, 50, 63, 95, 96):
        span = model.selector.feature_span(start)
        part = model.encoder.high.slab_features(volumes, model.selector, start)
        assert (
            float((part - features[:, :, span.start : span.stop]).detach().abs().max()) < 1e-12
        ), start
    joined = model.encoder.high.by_slab(volumes, 16, halo=True)
    torch.testing.assert_close(joined, features, rtol=0, atol=1e-12)
    assert model.encode(volumes).shape == (2, 8)


@pytest.mark.parametrize("norm", [*LOCAL, "group"])
def test_three_doublings_stream(norm: str) -> None:
    """Two normalisations by groups need the statistics of one before those of the next."""
    model = made(high_norm=norm)
    latents = model.draw_latents(1)
    whole = model.generate(latents)
    assert float(whole.detach().std()) > 0.01
    for depth in (8, 24, 64):
        slabs = list(model.generate_slabs(latents, depth=depth))
        torch.testing.assert_close(torch.cat(slabs, dim=2), whole, rtol=0, atol=1e-11)


@pytest.mark.parametrize("norm", ["rms", "group"])
def test_no_bit_of_three_doublings_depends_on_the_slabs(norm: str) -> None:
    model = made(high_norm=norm).float()
    latents = model.draw_latents(1)
    with torch.no_grad():
        whole = model.generate(latents)
    for depth in (8, 24):
        assert torch.equal(torch.cat(list(model.generate_slabs(latents, depth=depth)), 2), whole)


@pytest.mark.slow
@pytest.mark.parametrize("recipe_name", ["hagan-32", "hagan-paper-32"])
def test_every_player_of_a_deeper_hierarchy_learns(recipe_name: str) -> None:
    config = replace(recipe(recipe_name).model, volume_shape=(64, 64, 64), **DEEP, num_classes=3)
    model = HAGAN(config).double()
    batch = model.prepare(reals(model), torch.eye(3, dtype=torch.float64)[:2])
    for phase in model.phases():
        terms = phase.loss(batch)
        total = torch.stack(list(terms.values())).sum()
        gradients = torch.autograd.grad(total, list(phase.trains.parameters()), allow_unused=True)
        reached = [g for g in gradients if g is not None]
        assert sum(float(g.abs().max()) > 0 for g in reached) > 0.9 * len(gradients), phase.name


def whole_model(**changes: Any) -> HAGAN:
    config = replace(recipe("hagan-32").model, width=8, latent_dim=8, whole_every=3, **changes)
    torch.manual_seed(0)
    return HAGAN(config).double()


def test_each_so_many_steps_the_slabs_are_the_partition() -> None:
    model = whole_model()
    volumes = reals(model)
    for step, whole in [(0, True), (1, False), (2, False), (3, True)]:
        model.begin_step(step)
        batch = model.prepare(volumes, None)
        assert batch.whole is whole
        assert batch.slab.shape == (16 if whole else 2, 1, 4, 32, 32)
    again = batch.slab.reshape(2, 8, 4, 32, 32).flatten(1, 2)[:, None]
    assert torch.equal(again, volumes)


def test_a_full_volume_is_judged_slab_by_slab_at_its_place() -> None:
    model = whole_model()
    latents = model.draw_latents(2)
    volumes = model.generate(latents)
    pair = model.pair_of(latents, None, 0, whole=True)
    logits = model.judge(pair.slab, pair.low, 0, whole=True)[0].logit.view(2, 8)
    for number, start in enumerate(model.selector.starts):
        one = model.judge(volumes[:, :, start : start + 4], pair.low, start)[0].logit
        torch.testing.assert_close(logits[:, number], one, rtol=0, atol=1e-12)


def test_a_full_step_of_one_slab_is_the_usual_step() -> None:
    """With a single slab the partition is the volume, so both kinds of step are one."""
    values = []
    for every in (0, 1):
        config = replace(
            recipe("hagan-32").model, width=8, latent_dim=8, num_slabs=1, whole_every=every
        )
        torch.manual_seed(0)
        model = HAGAN(config).double()
        torch.manual_seed(1)
        volumes = reals(model)
        model.begin_step(0)
        batch = model.prepare(volumes, None)
        assert batch.start == 0
        for phase in model.phases():
            torch.manual_seed(2)
            values.append([float(term.detach()) for term in phase.loss(batch).values()])
    players = len(values) // 2
    for one, other in zip(values[:players], values[players:], strict=True):
        assert one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("adversarial", ["two-terms", "relativistic"])
@pytest.mark.parametrize("norm", ["rms", "group"])
def test_full_steps_have_finite_terms_with_classes(adversarial: str, norm: str) -> None:
    placed = norm == "rms"
    model = whole_model(
        adversarial=adversarial,
        high_norm=norm,
        num_classes=3,
        template=placed,
        low_skip=placed,
    )
    model.begin_step(0)
    batch = model.prepare(reals(model), torch.eye(3, dtype=torch.float64)[:2])
    for phase in model.phases():
        for name, term in phase.loss(batch).items():
            assert bool(term.isfinite()), (phase.name, name)


def test_logits_of_several_slabs_cannot_be_averaged_with_one() -> None:
    with pytest.raises(UsageError, match="two-terms"):
        HAGANConfig(adversarial="mean-logit", whole_every=2)


def test_encoders_take_their_turn_each_so_many_steps() -> None:
    config = replace(recipe("hagan-paper-32").model, width=8, latent_dim=8, encoder_every=4)
    every = {phase.name: phase.every for phase in HAGAN(config).phases()}
    assert every == {"discriminator": 1, "generator": 1, "high_encoder": 4, "ground_encoder": 4}

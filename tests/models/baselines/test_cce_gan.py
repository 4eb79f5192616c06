"""CCE-GAN: cycles, transport of entries or of codes, and the critic's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.config.recipes import recipe
from hagan.models.baselines.cce_gan import CCEGAN
from hagan.models.baselines.reals import Reals
from hagan.models.build import build_model
from hagan.training.shares import Share, share_of_turn


def made(**changes: Any) -> CCEGAN:
    torch.manual_seed(0)
    config = CCEGANConfig(volume_shape=(32, 32, 32), latent_dim=6, width=4, critic_norm="group")
    return CCEGAN(replace(config, **changes)).double()


def reals() -> Reals:
    torch.manual_seed(1)
    return Reals(torch.rand(3, 1, 32, 32, 32, dtype=torch.float64) * 2 - 1)


def test_networks_have_the_sizes_of_alpha_gans_at_128() -> None:
    with torch.device("meta"):
        model = build_model(recipe("cce-gan-128").model)
    sizes = {"encoder": 43.92, "generator": 84.34, "critic": 11.18}
    counts = {
        name: sum(p.numel() for p in model.get_submodule(name).parameters()) for name in sizes
    }
    assert {name: round(count / 1e6, 2) for name, count in counts.items()} == sizes
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())


def test_cycles_close_in_codes() -> None:
    model, batch = made(), reals()
    x = batch.volumes
    torch.manual_seed(3)
    found = dict(model.autoencoder_loss(batch))
    torch.manual_seed(3)
    z = model.new_latents(3)
    codes = model.encoder(x)
    rebuilt, fake = model.generator(codes), model.generator(z)
    expected = {
        "rebuilt": 100 * (rebuilt - x).abs().mean(),
        "pass_rebuilt": -model.critic(rebuilt).mean(),
        "pass_fake": -model.critic(fake).mean(),
        "cycle_encoded": 50 * (codes - model.encoder(rebuilt)).square().mean(),
        "cycle_drawn": 50 * (z - model.encoder(fake)).square().mean(),
    }
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term, rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.parametrize("of", ["entries", "codes"])
def test_transport_moves_entries_or_codes(of: str) -> None:
    model = made(transport_of=of, transport_epsilon=2.0, transport_iterations=3)
    batch = reals()
    torch.manual_seed(3)
    (found,) = model.encoder_loss(batch).values()
    torch.manual_seed(3)
    clouds = [model.new_latents(3), model.encode(batch.volumes).detach()]
    if of == "entries":
        clouds = [cloud.t() for cloud in clouds]
    one, other = (cloud.numpy() for cloud in clouds)
    cost = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    plan = np.exp(-cost / 2.0)
    for _ in range(3):
        plan /= plan.sum(axis=1, keepdims=True) * len(plan)
        plan /= plan.sum(axis=0, keepdims=True) * len(plan)
    # The iterations may end before the third where nothing moves any more.
    assert float(found.detach()) == pytest.approx(100 * (plan * cost).sum(), rel=2e-2)


@pytest.mark.parametrize("of", ["entries", "codes"])
def test_transport_is_the_whole_batchs_whatever_the_cut(of: str) -> None:
    """Shares' gradients added up by their weights, as a trainer adds them."""
    model, batch = made(transport_of=of, transport_epsilon=2.0), reals()
    weights = list(model.encoder.parameters())

    def loss(share: Share, whole: list[torch.Tensor] | None) -> tuple[Any, torch.Tensor]:
        rows = slice(share.first, share.first + share.count)
        with share_of_turn(model, share, seed=3, whole=whole) as turn:
            (value,) = model.encoder_loss(Reals(batch.volumes[rows])).values()
        return turn, value

    _, expected = loss(Share(0, 3, 3), None)
    gradients = torch.autograd.grad(expected, weights)
    shares = Share(0, 3, 3).cut(2)
    asked = [loss(share, None)[0].asked for share in shares]
    whole = [torch.cat(rows) for rows in zip(*asked, strict=True)]
    added = [torch.zeros_like(weight) for weight in weights]
    for share in shares:
        _, value = loss(share, whole)
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10)
        parts = torch.autograd.grad(value * share.weight, weights)
        added = [total + part for total, part in zip(added, parts, strict=True)]
    for total, gradient in zip(added, gradients, strict=True):
        torch.testing.assert_close(total, gradient, rtol=1e-10, atol=1e-10)


def test_transport_pulls_codes_towards_the_prior() -> None:
    model, batch = made(transport_of="codes", transport_unrolled=False), reals()
    torch.manual_seed(3)
    (loss,) = model.encoder_loss(batch).values()
    gradients = torch.autograd.grad(loss, list(model.encoder.parameters()))
    before = float(loss.detach())
    with torch.no_grad():
        for weight, gradient in zip(model.encoder.parameters(), gradients, strict=True):
            weight -= 1e-4 * gradient / gradient.norm().clamp(min=1e-12)
    torch.manual_seed(3)
    assert float(next(iter(model.encoder_loss(batch).values())).detach()) < before


def test_the_critic_counts_reals_twice_and_pays_for_its_slope() -> None:
    model, batch = made(), reals()
    torch.manual_seed(5)
    found = dict(model.critic_loss(batch))
    torch.manual_seed(5)
    fake = model.generator(model.new_latents(3))
    rebuilt = model.generator(model.encoder(batch.volumes))
    torch.testing.assert_close(found["real"], -2 * model.critic(batch.volumes).mean())
    torch.testing.assert_close(found["rebuilt"], model.critic(rebuilt).mean())
    torch.testing.assert_close(found["fake"], model.critic(fake).mean())
    mixes = {name: torch.rand(3, 1).double() for name in ("rebuilt", "fake")}
    for (name, mix), volumes in zip(mixes.items(), (rebuilt, fake), strict=True):
        penalties = []
        for share, one, other in zip(mix[:, 0], batch.volumes, volumes.detach(), strict=True):
            between = (share * one + (1 - share) * other)[None].requires_grad_()
            (slope,) = torch.autograd.grad(model.critic(between).sum(), between)
            penalties.append((slope.square().sum().sqrt() - 1) ** 2)
        expected = 10 * torch.stack(penalties).mean()
        torch.testing.assert_close(found[f"penalty_{name}"], expected, rtol=1e-5, atol=1e-9)
    assert {phase.name: phase.repeats for phase in model.phases()}["critic"] == 3

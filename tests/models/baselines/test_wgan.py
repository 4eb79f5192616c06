"""WGAN-GP: sizes of the published networks, and both losses against their definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.baselines.wgan import WGANConfig
from hagan.config.recipes import recipe
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.wgan import WGAN
from hagan.models.build import build_model


def made(**changes: Any) -> WGAN:
    torch.manual_seed(0)
    config = WGANConfig(volume_shape=(32, 32, 32), latent_dim=8, width=4)
    return WGAN(replace(config, **changes)).double()


def reals(count: int = 3) -> Reals:
    return Reals(torch.rand(count, 1, 32, 32, 32, dtype=torch.float64) * 2 - 1)


@pytest.mark.parametrize(
    ("name", "generator", "critic"), [("wgan-64", 37.45, 11.05), ("wgan-128", 85.92, 3.29)]
)
def test_networks_have_the_published_sizes(name: str, generator: float, critic: float) -> None:
    """Kwon's networks at 64 and HA-GAN's authors' at 128, in millions of parameters."""
    with torch.device("meta"):
        model = build_model(recipe(name).model)
    assert isinstance(model, WGAN)
    counts = [sum(p.numel() for p in m.parameters()) for m in (model.generator, model.critic)]
    assert [round(count / 1e6, 2) for count in counts] == [generator, critic]


@pytest.mark.parametrize("of", ["volume", "voxel"])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_the_critic_minimises_its_distance_and_the_slopes_penalty(of: str, norm: str) -> None:
    model = made(penalty_of=of, critic_norm=norm, penalty_weight=7.0)
    batch = reals()
    torch.manual_seed(4)
    terms = dict(model.critic_loss(batch))
    torch.manual_seed(4)
    with torch.no_grad():
        fake = model.generate(model.new_latents(3))
    mix = torch.rand(3, 1).double()
    expected = model.critic(fake).mean() - model.critic(batch.volumes).mean()
    torch.testing.assert_close(terms["distance"], expected, rtol=1e-12, atol=1e-12)

    volumes = torch.stack(
        [m * r + (1 - m) * f for m, r, f in zip(mix[:, 0], batch.volumes, fake, strict=True)]
    ).requires_grad_()
    model.critic(volumes).sum().backward()
    assert volumes.grad is not None
    penalties = []
    for slope in volumes.grad:
        if of == "volume":
            penalties.append((slope.norm() - 1) ** 2)
        else:
            penalties.append((slope.abs() - 1).square().mean())
    # The root of a square is kept smooth at 0.
    torch.testing.assert_close(
        terms["penalty"], 7.0 * torch.stack(penalties).mean(), rtol=1e-5, atol=1e-9
    )


def test_the_penaltys_gradient_is_that_of_finite_differences() -> None:
    model = made(critic_norm="group")
    batch = reals(2)
    weight = next(model.critic.parameters())

    def penalty() -> Tensor:
        torch.manual_seed(6)
        return dict(model.critic_loss(batch))["penalty"]

    (gradient,) = torch.autograd.grad(penalty(), weight)
    place = (1, 0, 2, 1, 3)
    # Small, since the slope of a rectifier jumps.
    step = 1e-8
    moved = []
    for change in (step, -2 * step):
        with torch.no_grad():
            weight[place] += change
        moved.append(float(penalty().detach()))
    above, below = moved
    assert float(gradient[place]) == pytest.approx((above - below) / (2 * step), rel=1e-3)


def test_the_generator_raises_its_scores() -> None:
    model, batch = made(), reals()
    torch.manual_seed(9)
    (loss,) = model.generator_loss(batch).values()
    torch.manual_seed(9)
    expected = -model.critic(model.generate(model.new_latents(3))).mean()
    torch.testing.assert_close(loss, expected)


def test_turns_are_as_configured() -> None:
    repeats = {p.name: p.repeats for p in made(critic_repeats=5, generator_repeats=2).phases()}
    assert repeats == {"critic": 5, "generator": 2}

"""alpha-GAN: published sizes, every term against its definition, and the class-conditional form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.config.recipes import recipe
from hagan.models.baselines.alpha_gan import AlphaGAN
from hagan.models.baselines.reals import Reals
from hagan.models.build import build_model


def made(**changes: Any) -> AlphaGAN:
    torch.manual_seed(0)
    config = AlphaGANConfig(
        volume_shape=(32, 32, 32), latent_dim=8, width=4, code_width=2, critic_norm="group"
    )
    return AlphaGAN(replace(config, **changes)).double()


def reals(num_classes: int = 0) -> Reals:
    torch.manual_seed(1)
    labels = torch.eye(3, dtype=torch.float64)[:, :num_classes] if num_classes else None
    return Reals(torch.rand(3, 1, 32, 32, 32, dtype=torch.float64) * 2 - 1, labels)


@pytest.mark.parametrize(
    ("side", "sizes"),
    [
        (64, {"generator": 37.42, "critic": 11.05, "encoder": 43.79, "code_critic": 20.90}),
        (128, {"generator": 84.34, "critic": 11.18, "encoder": 43.92, "code_critic": 20.90}),
    ],
)
def test_networks_have_the_published_sizes(side: int, sizes: dict[str, float]) -> None:
    with torch.device("meta"):
        model = build_model(recipe(f"alpha-gan-{side}").model)
    counts = {
        name: sum(p.numel() for p in model.get_submodule(name).parameters()) for name in sizes
    }
    assert {name: round(count / 1e6, 2) for name, count in counts.items()} == sizes
    if side == 128:
        assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == 160.3


def slope_penalty(critic: Any, one: Tensor, other: Tensor, mix: Tensor) -> Tensor:
    """Volume by volume, from the gradient of its own score."""
    penalties = []
    for share, a, b in zip(mix[:, 0], one, other, strict=True):
        between = (share * a + (1 - share) * b)[None].requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between)
        penalties.append((slope.square().sum().sqrt() - 1) ** 2)
    return torch.stack(penalties).mean()


def test_wasserstein_terms_are_as_defined() -> None:
    model, batch = made(code_norm=False), reals()
    x = batch.volumes
    torch.manual_seed(3)
    found = dict(model.autoencoder_loss(batch))
    torch.manual_seed(3)
    z = model.new_latents(3)
    rebuilt, fake = model.generator(model.encoder(x)), model.generator(z)
    expected = {
        "rebuilt": 10 * (rebuilt - x).abs().mean(),
        "code": -model.code_critic(model.encoder(x)).mean(),
        "pass_rebuilt": -model.critic(rebuilt).mean(),
        "pass_fake": -model.critic(fake).mean(),
    }
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term, rtol=1e-10, atol=1e-12, msg=name)

    torch.manual_seed(4)
    found = dict(model.critic_loss(batch))
    torch.manual_seed(4)
    fake = model.generator(model.new_latents(3)).detach()
    rebuilt = rebuilt.detach()
    mixes = [torch.rand(3, 1).double() for _ in range(2)]
    expected = {
        "real": -2 * model.critic(x).mean(),
        "rebuilt": model.critic(rebuilt).mean(),
        "fake": model.critic(fake).mean(),
        "penalty_rebuilt": 10 * slope_penalty(model.critic, x, rebuilt, mixes[0]),
        "penalty_fake": 10 * slope_penalty(model.critic, x, fake, mixes[1]),
    }
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term, rtol=1e-5, atol=1e-9, msg=name)

    torch.manual_seed(5)
    found = dict(model.code_critic_loss(batch))
    torch.manual_seed(5)
    z, codes = model.new_latents(3), model.encoder(x).detach()
    mix = torch.rand(3, 1).double()
    expected = {
        "drawn": -model.code_critic(z).mean(),
        "encoded": model.code_critic(codes).mean(),
        "penalty": 10 * slope_penalty(model.code_critic, z, codes, mix),
    }
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term, rtol=1e-5, atol=1e-9, msg=name)


def test_encoded_codes_teach_the_code_critic() -> None:
    """In the original notebook they do not."""
    model, batch = made(code_norm=False), reals()
    weights = list(model.code_critic.parameters())
    gradients = torch.autograd.grad(dict(model.code_critic_loss(batch))["encoded"], weights)
    assert all(bool(gradient.abs().sum() > 0) for gradient in gradients)


@pytest.mark.parametrize("loss", ["wasserstein", "cross-entropy"])
def test_both_critics_teach_whom_they_judge(loss: str) -> None:
    model, batch = made(loss=loss, code_norm=False), reals()
    terms = dict(model.autoencoder_loss(batch))
    taught = {
        "rebuilt": (model.encoder, model.generator),
        "code": (model.encoder,),
        "pass_rebuilt": (model.encoder, model.generator),
        "pass_fake": (model.generator,),
    }
    for name, networks in taught.items():
        for network in networks:
            weight = next(network.parameters())
            (gradient,) = torch.autograd.grad(terms[name], weight, retain_graph=True)
            assert bool(gradient.abs().max() > 0), name


def test_by_cross_entropy_each_term_is_one() -> None:
    model, batch = made(loss="cross-entropy"), reals()
    torch.manual_seed(3)
    found = dict(model.critic_loss(batch))
    assert found.keys() == {"real", "rebuilt", "fake"}
    logits = model.critic(batch.volumes)[:, 0]
    ones = torch.ones_like(logits)
    expected = 2 * functional.binary_cross_entropy_with_logits(logits, ones)
    torch.testing.assert_close(found["real"], expected)
    codes = dict(model.code_critic_loss(batch))
    assert codes.keys() == {"drawn", "encoded"}
    logits = model.code_critic(model.encode(batch.volumes))
    expected = functional.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
    torch.testing.assert_close(codes["encoded"], expected)
    passing = dict(model.autoencoder_loss(batch))["code"]
    torch.testing.assert_close(
        passing, functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    )


def test_without_classes_the_labels_of_a_store_are_left_alone() -> None:
    """A store with labels gives them to every model."""
    model, batch = made(), reals()
    labelled = model.prepare(batch.volumes, torch.eye(3, dtype=torch.float64))
    for phase in model.phases():
        torch.manual_seed(3)
        expected = dict(phase.loss(batch))
        torch.manual_seed(3)
        found = dict(phase.loss(labelled))
        assert found.keys() == expected.keys(), phase.name
        for name, term in expected.items():
            torch.testing.assert_close(found[name], term, msg=name)


def test_classes_are_of_reals_for_the_critic_and_of_fakes_for_g() -> None:
    model, batch = made(num_classes=3), reals(num_classes=3)
    assert batch.labels is not None
    truth = batch.labels.argmax(dim=1)
    torch.manual_seed(6)
    found = dict(model.critic_loss(batch))["class"]
    classes = torch.log_softmax(model.critic(batch.volumes)[:, 1:], dim=1)
    torch.testing.assert_close(found, -classes[torch.arange(3), truth].mean())
    torch.manual_seed(7)
    found = dict(model.autoencoder_loss(batch))["class"]
    torch.manual_seed(7)
    fake = model.generate(model.new_latents(3), batch.labels)
    classes = torch.log_softmax(model.critic(fake)[:, 1:], dim=1)
    torch.testing.assert_close(found, -0.1 * classes[torch.arange(3), truth].mean())

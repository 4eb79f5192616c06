"""VAE-GAN: published sizes, and every term of its three turns against its definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.config.recipes import recipe
from hagan.models.baselines.reals import Reals
from hagan.models.baselines.vae_gan import VAEGAN
from hagan.models.build import build_model
from hagan.networks.batch_norm import BatchNorm


def made(**changes: Any) -> VAEGAN:
    torch.manual_seed(0)
    config = VAEGANConfig(
        volume_shape=(32, 32, 32), latent_dim=8, width=4, head_width=2, critic_norm="group"
    )
    return VAEGAN(replace(config, **changes)).double()


def reals() -> Reals:
    torch.manual_seed(1)
    return Reals(torch.rand(3, 1, 32, 32, 32, dtype=torch.float64) * 2 - 1)


def test_networks_have_the_published_sizes_at_128() -> None:
    with torch.device("meta"):
        model = build_model(recipe("vae-gan-128").model)
    sizes = {"encoder": 48.81, "generator": 22.91, "critic": 11.18}
    counts = {
        name: sum(p.numel() for p in model.get_submodule(name).parameters()) for name in sizes
    }
    assert {name: round(count / 1e6, 2) for name, count in counts.items()} == sizes


def test_generator_and_critic_have_the_published_sizes_at_64() -> None:
    with torch.device("meta"):
        model = build_model(recipe("vae-gan-64").model)
    sizes = {"generator": 37.45, "critic": 11.05}
    counts = {
        name: sum(p.numel() for p in model.get_submodule(name).parameters()) for name in sizes
    }
    assert {name: round(count / 1e6, 2) for name, count in counts.items()} == sizes


def test_no_two_places_share_a_normalisation() -> None:
    """As they do in the original's generator at 128."""
    model = made(deeper=True, critic_norm="batch")
    layers = [m for m in model.generator.modules() if isinstance(m, BatchNorm)]
    places = [act.norm for act in model.generator.acts]
    assert len(layers) == len(places) == 4


def test_only_the_deeper_generator_adds_biases() -> None:
    """The authors' at 128 does; Kwon's at 64 does not."""
    for deeper in (False, True):
        convs = made(deeper=deeper).generator.convs
        assert [conv.bias is not None for conv in convs] == [deeper] * len(convs)


def drawn(model: VAEGAN, batch: Reals, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rebuilt and fake volumes as the losses draw them."""
    torch.manual_seed(seed)
    mean, log_variance = model.encoder(batch.volumes)
    codes = mean + model.new_latents(3) * log_variance.exp().sqrt()
    return model.generator(codes), model.generator(model.new_latents(3))


@pytest.mark.parametrize("saturating", [True, False])
@pytest.mark.parametrize("reconstruction", ["voxel", "feature"])
def test_terms_are_as_defined(reconstruction: str, saturating: bool) -> None:
    model, batch = made(saturating=saturating, reconstruction=reconstruction), reals()
    entropy = functional.binary_cross_entropy_with_logits

    def logits(volumes: torch.Tensor) -> torch.Tensor:
        return model.critic(volumes)[:, 0]

    rebuilt, fake = drawn(model, batch, 3)
    torch.manual_seed(3)
    found = dict(model.critic_loss(batch))
    zeros, ones = torch.zeros(3).double(), torch.ones(3).double()
    expected = {
        "real": entropy(logits(batch.volumes), ones),
        "rebuilt": entropy(logits(rebuilt), zeros),
        "fake": entropy(logits(fake), zeros),
    }
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term, msg=name)

    torch.manual_seed(3)
    found = dict(model.generator_loss(batch))
    if saturating:
        passing = {"rebuilt": -expected["rebuilt"], "fake": -expected["fake"]}
    else:
        passing = {"rebuilt": entropy(logits(rebuilt), ones), "fake": entropy(logits(fake), ones)}
    if reconstruction == "voxel":
        unlike = (rebuilt - batch.volumes).square().mean()
    else:
        pair = [model.critic.body(volumes) for volumes in (rebuilt, batch.volumes)]
        unlike = (pair[0] - pair[1]).square().mean()
    torch.testing.assert_close(found["pass_rebuilt"], passing["rebuilt"])
    torch.testing.assert_close(found["pass_fake"], passing["fake"])
    torch.testing.assert_close(found["likeness"], 20 * unlike)

    torch.manual_seed(3)
    found = dict(model.encoder_loss(batch))
    mean, log_variance = model.encoder(batch.volumes)
    divergence = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(found["divergence"], divergence)
    torch.testing.assert_close(found["likeness"], 10 * unlike)


def test_a_code_is_its_distributions_mean() -> None:
    model, batch = made(), reals()
    torch.testing.assert_close(model.encode(batch.volumes), model.encoder(batch.volumes)[0])

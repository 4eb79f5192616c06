"""Networks of codes: published sizes, a batch of one, and codes drawn from their distribution."""

from __future__ import annotations

import torch
from torch import nn

from hagan.networks.batch_norm import BatchNorm
from hagan.networks.codes import CodeCritic, VariationalEncoder, sampled
from hagan.networks.dcgan import critic_widths


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_code_critic_has_its_published_size() -> None:
    """20.90 million for 1000 latents and 4096 channels."""
    with torch.device("meta"):
        critic = CodeCritic(latent_dim=1000, hidden=4096, normalised=True, bias=True)
    assert round(parameters(critic) / 1e6, 2) == 20.90


def test_a_batch_of_one_is_scored_in_training_too() -> None:
    torch.manual_seed(0)
    critic = CodeCritic(latent_dim=5, hidden=8, normalised=True, bias=True)
    assert critic(torch.randn(1, 5)).shape == (1,)
    assert any(isinstance(module, BatchNorm) for module in critic.modules())
    plain = CodeCritic(latent_dim=5, hidden=8, normalised=False, bias=False)
    assert not any(isinstance(module, BatchNorm) for module in plain.modules())
    assert plain.head.bias is None


def test_the_variational_encoder_has_its_published_size() -> None:
    """48.81 million at 128."""
    with torch.device("meta"):
        encoder = VariationalEncoder(
            latent_dim=1000,
            base_shape=(2, 2, 2),
            widths=(*critic_widths(5, 64), 512),
            hidden=2048,
        )
    assert round(parameters(encoder) / 1e6, 2) == 48.81


def test_a_volume_gets_a_mean_and_a_log_variance() -> None:
    torch.manual_seed(0)
    encoder = VariationalEncoder(latent_dim=6, base_shape=(4, 4, 4), widths=(2, 4), hidden=8)
    mean, log_variance = encoder(torch.randn(3, 1, 16, 16, 16))
    assert mean.shape == log_variance.shape == (3, 6)
    assert not torch.equal(mean, log_variance)


def test_codes_are_drawn_from_their_distribution() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 1.5]])
    noise = torch.randn(200_000, 2)
    drawn = sampled(mean.expand_as(noise), log_variance.expand_as(noise), noise)
    torch.testing.assert_close(drawn.mean(0), mean[0], rtol=0, atol=0.02)
    torch.testing.assert_close(drawn.var(0), log_variance[0].exp(), rtol=0.02, atol=0)

"""Generators and critics that rivals share: sizes of the literature, shapes, ends of a critic."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch import nn
from torch.nn import functional

from hagan.networks.batch_norm import BatchNorm
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_widths_are_those_of_the_papers() -> None:
    assert generator_widths(4, 64) == (512, 256, 128, 64)
    assert generator_widths(5, 64) == (1024, 512, 256, 128, 64)
    assert generator_widths(6, 64) == (1024, 1024, 512, 256, 128, 64)
    assert critic_widths(4, 64) == (64, 128, 256, 512)
    assert critic_widths(5, 64) == (32, 64, 128, 256, 512)


@pytest.mark.parametrize("stem", ["linear", "transposed"])
@pytest.mark.parametrize("base", [(4, 4, 4), (3, 4, 5)])
def test_a_volume_is_its_base_doubled(stem: str, base: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    generator = UpGenerator(
        latent_dim=6,
        num_classes=2,
        base_shape=base,
        widths=(8, 4),
        stem=stem,  # type: ignore[arg-type]
    )
    labels = torch.eye(2)
    volumes = generator(torch.randn(2, 6), labels)
    assert volumes.shape == (2, 1, *(4 * size for size in base))
    assert float(volumes.detach().abs().max()) < 1.0


def test_both_stems_are_one_product_with_the_code() -> None:
    """A transposed convolution of one voxel is a linear layer whose outputs are a grid."""
    torch.manual_seed(1)
    kinds = {
        stem: UpGenerator(
            latent_dim=5,
            base_shape=(4, 4, 4),
            widths=(6, 3),
            stem=stem,  # type: ignore[arg-type]
        ).double()
        for stem in ("linear", "transposed")
    }
    linear, transposed = kinds["linear"].stem, kinds["transposed"].stem
    assert isinstance(linear, nn.Linear)
    assert isinstance(transposed, nn.ConvTranspose3d)
    with torch.no_grad():
        linear.weight.copy_(transposed.weight.reshape(5, 6 * 64).t())
        linear.bias.zero_()
    kinds["linear"].convs.load_state_dict(kinds["transposed"].convs.state_dict())
    codes = torch.randn(3, 5, dtype=torch.float64)
    first, second = (kinds[stem](codes) for stem in ("linear", "transposed"))
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def test_the_generator_is_doubling_convolution_and_norm_in_turn() -> None:
    torch.manual_seed(2)
    generator = UpGenerator(latent_dim=3, base_shape=(4, 4, 4), widths=(4, 2)).double().eval()
    codes = torch.randn(2, 3, dtype=torch.float64)
    features = functional.linear(codes, generator.stem.weight, generator.stem.bias)  # type: ignore[arg-type]
    features = features.view(2, 4, 4, 4, 4)
    for act, conv in zip(generator.acts, generator.convs, strict=True):
        norm = act.norm
        assert isinstance(norm, BatchNorm)
        features = features / torch.sqrt(torch.tensor(1.0 + norm.eps, dtype=torch.float64))
        features = features.clamp(min=0).repeat_interleave(2, 2)
        features = features.repeat_interleave(2, 3).repeat_interleave(2, 4)
        features = functional.conv3d(features, conv.weight, padding=1)  # type: ignore[arg-type]
    torch.testing.assert_close(generator(codes), torch.tanh(features), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["batch", "group", "instance", "none"])
@pytest.mark.parametrize("head", ["whole", "strided", "slices"])
def test_a_critic_gives_numbers_a_volume(norm: str, head: str) -> None:
    torch.manual_seed(3)
    critic = Critic(
        base_shape=(4, 4, 4),
        widths=critic_widths(4, 4),
        norm=norm,  # type: ignore[arg-type]
        outputs=3,
        head=head,  # type: ignore[arg-type]
    )
    numbers = critic(torch.randn(2, 1, 64, 64, 64))
    assert numbers.shape == (2, 3)
    numbers.sum().backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in critic.parameters() if p.grad is not None)
    assert all(p.grad is not None for p in critic.parameters())


def test_slices_keep_their_depth_and_are_averaged() -> None:
    torch.manual_seed(4)
    critic = Critic(base_shape=(4, 4, 4), widths=(2, 4, 8, 8), norm="none", head="slices")
    features = critic.body(torch.randn(1, 1, 64, 64, 64))
    assert features.shape == (1, 8, 16, 4, 4)
    scores = critic.head(features)
    assert scores.shape == (1, 1, 16, 1, 1)


def test_without_norm_over_the_batch_a_score_is_of_its_volume_alone() -> None:
    torch.manual_seed(5)
    volumes = torch.randn(3, 1, 32, 32, 32)
    for norm, alone in (("group", True), ("batch", False)):
        critic = Critic(base_shape=(4, 4, 4), widths=critic_widths(3, 4), norm=norm)  # type: ignore[arg-type]
        same = torch.allclose(critic(volumes)[:1], critic(volumes[:1]), atol=1e-5)
        assert same == alone


def test_biases_are_those_of_the_published_networks() -> None:
    critic = Critic(base_shape=(4, 4, 4), widths=(4, 8, 16), norm="batch", head_bias=False)
    biased = [m.bias is not None for m in critic.modules() if isinstance(m, nn.Conv3d)]
    assert biased == [True, True, True, False]
    generator = UpGenerator(latent_dim=3, base_shape=(4, 4, 4), widths=(8, 4))
    assert parameters(generator) == (3 + 1) * 8 * prod((4, 4, 4)) + 27 * (8 * 4 + 4) + 2 * (8 + 4)

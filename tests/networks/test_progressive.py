"""Networks that grow: sizes at every level, what a fade mixes, which layers have a part."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.progressive import (
    GrowingCritic,
    GrowingGenerator,
    Layout,
    doubled,
    halved,
    level_widths,
    shrunk,
)

LAYOUTS: tuple[Layout, ...] = ("karras", "strided")
WIDTHS = (6, 4, 3)


def make_generator(
    layout: Layout, base: tuple[int, int, int] = (4, 4, 4), *, equalised: bool = True
) -> GrowingGenerator:
    torch.manual_seed(0)
    return GrowingGenerator(
        latent_dim=5, base_shape=base, stem=7, widths=WIDTHS, layout=layout, equalised=equalised
    ).double()


def make_critic(
    layout: Layout, base: tuple[int, int, int] = (4, 4, 4), *, deviation: bool = False
) -> GrowingCritic:
    torch.manual_seed(0)
    return GrowingCritic(
        base_shape=base,
        stem=7,
        widths=WIDTHS,
        layout=layout,
        equalised=True,
        deviation=deviation,
    ).double()


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_widths_are_those_that_the_port_lists() -> None:
    """At 4, 8, 16, 32, 64 and 128."""
    assert level_widths(6, 256, 2048) == (256, 256, 128, 64, 32, 16)
    assert level_widths(6, 512, 2048) == (512, 256, 128, 64, 32, 16)
    assert level_widths(3, 8, 4) == (1, 1, 1), "no level is without a channel"


def test_shrinking_is_the_mean_of_what_falls_together() -> None:
    volumes = random(2, 1, 8, 12, 4)
    expected = volumes.view(2, 1, 2, 4, 3, 4, 1, 4).mean(dim=(3, 5, 7))
    torch.testing.assert_close(shrunk(volumes, 2), expected)
    assert shrunk(volumes, 0) is volumes
    torch.testing.assert_close(halved(doubled(volumes)), volumes)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("base", [(4, 4, 4), (3, 3, 3), (5, 6, 7), (2, 4, 4)])
def test_every_level_has_its_grid(layout: Layout, base: tuple[int, int, int]) -> None:
    generator, critic = make_generator(layout, base), make_critic(layout, base)
    latents = random(2, 5)
    for level in range(3):
        volumes = generator(latents, level)
        assert volumes.shape == (2, 1, *(size * 2**level for size in base))
        features = critic.features(volumes, level)
        assert features.shape == (2, WIDTHS[0], *base)
        assert critic.scores(features).shape == (2,)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", [1, 2])
def test_a_fade_goes_from_one_level_to_the_next_in_a_straight_line(
    layout: Layout, level: int
) -> None:
    generator, critic = make_generator(layout), make_critic(layout)
    latents = random(2, 5)
    old, new = doubled(generator(latents, level - 1)), generator(latents, level)
    assert not torch.allclose(old, new)
    for fade in (0.0, 0.3, 1.0):
        made = generator(latents, level, fade)
        torch.testing.assert_close(made, (1 - fade) * old + fade * new)
    torch.testing.assert_close(
        critic.features(new, level, 0.0), critic.features(halved(new), level - 1)
    )
    assert not torch.allclose(
        critic.features(new, level, 0.5), critic.features(halved(new), level - 1)
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_critic_that_fades_mixes_where_the_grids_meet(layout: Layout) -> None:
    """One level above the base grid its features are the mixture itself."""
    critic, volumes = make_critic(layout), random(2, 1, 8, 8, 8)
    ends = [critic.features(volumes, 1, fade) for fade in (0.0, 1.0)]
    torch.testing.assert_close(critic.features(volumes, 1, 0.25), 0.75 * ends[0] + 0.25 * ends[1])


def weighted(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias in use, from the stored parameters and the layer's fan-in."""
    stored = dict(layer.named_parameters())
    weight = stored["parametrizations.weight.original"]
    return weight * (2.0 / weight[0].numel()) ** 0.5, stored["bias"]


def leaky(features: Tensor) -> Tensor:
    return torch.maximum(features, 0.2 * features)


def normed(features: Tensor) -> Tensor:
    return features / (features.pow(2).mean(1, keepdim=True) + 1e-8).sqrt()


def repeated(features: Tensor) -> Tensor:
    for axis in (2, 3, 4):
        features = features.repeat_interleave(2, dim=axis)
    return features


def test_karras_generator_is_his_sequence_of_layers() -> None:
    generator = make_generator("karras")
    latents = random(3, 5)
    base, block = cast(Any, generator.blocks[0]), cast(Any, generator.blocks[1])
    weight, bias = weighted(base.dense)
    # The first dense layer has a quarter of the gain.
    features = leaky((normed(latents) @ weight.T / 4 + bias).view(3, 7, 4, 4, 4))
    features = normed(features)
    features = normed(leaky(functional.conv3d(features, *weighted(base.block), padding=1)))
    features = repeated(features)
    for conv in (block.first, block.second):
        features = normed(leaky(functional.conv3d(features, *weighted(conv), padding=1)))
    weight, bias = weighted(generator.to_volume[1])
    expected = functional.conv3d(features, weight / 2**0.5, bias)
    torch.testing.assert_close(generator(latents, 1), expected, rtol=1e-10, atol=1e-10)


def test_the_ports_generator_is_its_sequence_of_layers() -> None:
    """Without equalised rates: no activation after the dense layer, convolutions of 4."""
    generator = make_generator("strided", equalised=False)
    latents = random(3, 5)
    base, block = cast(Any, generator.blocks[0]), cast(Any, generator.blocks[1])
    features = base.dense(normed(latents)).view(3, 7, 2, 2, 2)
    for part in (base.block, block):
        features = repeated(features)
        for conv in (part.first, part.second):
            padded = functional.pad(features, (1, 2, 1, 2, 1, 2))
            features = normed(leaky(functional.conv3d(padded, conv.weight, conv.bias)))
    last = generator.to_volume[1]
    expected = functional.conv3d(features, cast(Tensor, last.weight), cast(Tensor, last.bias))
    torch.testing.assert_close(generator(latents, 1), expected, rtol=1e-10, atol=1e-10)


def test_karras_critic_is_his_sequence_of_layers() -> None:
    critic = make_critic("karras", deviation=True)
    volumes, numbers = random(3, 1, 8, 8, 8), random(3, 1)
    features = leaky(functional.conv3d(volumes, *weighted(critic.from_volume[1])))
    block, head = cast(Any, critic.blocks[1]), cast(Any, critic.blocks[0])
    for layer in (block[0], block[2]):
        features = leaky(functional.conv3d(features, *weighted(layer), padding=1))
    features = features.unfold(2, 2, 2).unfold(3, 2, 2).unfold(4, 2, 2).mean((-1, -2, -3))
    torch.testing.assert_close(critic.features(volumes, 1), features, rtol=1e-10, atol=1e-10)
    channel = numbers.view(3, 1, 1, 1, 1) * torch.ones(3, 1, 4, 4, 4, dtype=torch.float64)
    joined = torch.cat((features, channel), 1)
    joined = leaky(functional.conv3d(joined, *weighted(head[0]), padding=1)).flatten(1)
    weight, bias = weighted(head[3])
    hidden = leaky(joined @ weight.T + bias)
    weight, bias = weighted(head[5])
    expected = (hidden @ weight.T / 2**0.5 + bias)[:, 0]
    torch.testing.assert_close(critic.scores(features, numbers), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("level", "fade"), [(0, 1.0), (1, 0.5), (1, 1.0), (2, 0.5)])
def test_only_the_layers_up_to_a_level_have_a_part(layout: Layout, level: int, fade: float) -> None:
    generator, critic = make_generator(layout), make_critic(layout)
    critic.scores(
        critic.features(generator(random(2, 5), level, fade), level, fade)
    ).sum().backward()
    expected = {f"blocks.{number}" for number in range(level + 1)}
    for network, ends in ((generator, "to_volume"), (critic, "from_volume")):
        touched = {
            ".".join(name.split(".")[:2])
            for name, weight in network.named_parameters()
            if weight.grad is not None
        }
        mixed = [level] if fade == 1.0 else [level - 1, level]
        assert touched == expected | {f"{ends}.{number}" for number in mixed}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_features_and_scores_are_each_volumes_own(layout: Layout) -> None:
    critic, volumes = make_critic(layout), random(3, 1, 8, 8, 8)
    scores = critic.scores(critic.features(volumes, 1, 0.5))
    alone = critic.scores(critic.features(volumes[1:2], 1, 0.5))
    torch.testing.assert_close(alone, scores[1:2])

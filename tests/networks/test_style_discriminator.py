"""StyleGAN 2's discriminator against an explicit computation in float64."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.networks.style_discriminator import StyleDiscriminator

TAPS = (1, 3, 3, 1)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def made(*, width: int = 4, deviation: bool = True, doublings: int = 2) -> StyleDiscriminator:
    torch.manual_seed(0)
    return StyleDiscriminator(
        base_shape=(2, 3, 2),
        doublings=doublings,
        width=width,
        filter_taps=TAPS,
        deviation=deviation,
    ).double()


def smooth(features: Tensor, padding: int) -> Tensor:
    """All three axes of the filter in one kernel."""
    line = torch.tensor(TAPS, dtype=torch.float64) / 8
    kernel = torch.einsum("i,j,k->ijk", line, line, line)
    channels = features.shape[1]
    weight = kernel.expand(channels, 1, 4, 4, 4)
    return functional.conv3d(features, weight, padding=padding, groups=channels)


def act(features: Tensor) -> Tensor:
    return torch.where(features > 0, features, 0.2 * features) * sqrt(2)


def explicit(network: StyleDiscriminator, volumes: Tensor, deviation: Tensor) -> Tensor:
    """From the stored weights, with He's constant at each use (Karras et al. 2018, section 4.1)."""
    stored = {k.replace("parametrizations.", ""): v for k, v in network.named_parameters()}

    def weight(name: str) -> Tensor:
        original = stored[f"{name}.weight.original"]
        return original / sqrt(original[0].numel())

    def bias(name: str) -> Tensor:
        return stored[f"{name}.bias"]

    x = act(functional.conv3d(volumes, weight("from_volume"), bias("from_volume")))
    for number in range(2):
        name = f"blocks.{number}"
        short = functional.conv3d(smooth(x, 1)[..., ::2, ::2, ::2], weight(f"{name}.skip"))
        x = act(functional.conv3d(x, weight(f"{name}.first"), bias(f"{name}.first"), padding=1))
        x = functional.conv3d(
            smooth(x, 2), weight(f"{name}.second"), bias(f"{name}.second"), stride=2
        )
        x = (act(x) + short) / sqrt(2)
    joined = deviation[:, :, None, None, None].expand(-1, 1, *x.shape[2:])
    x = torch.cat((x, joined), dim=1)
    x = act(functional.conv3d(x, weight("last"), bias("last"), padding=1))
    x = act(functional.linear(x.flatten(1), weight("dense"), bias("dense")))
    return functional.linear(x, weight("logit"), bias("logit"))[:, 0]


def test_logits_are_those_of_the_definition() -> None:
    network = made()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    volumes, deviation = random(3, 1, 8, 12, 8), random(3, 1).abs()
    logits = network.logits(network.features(volumes), deviation)
    torch.testing.assert_close(
        logits, explicit(network, volumes, deviation), rtol=1e-10, atol=1e-11
    )


def test_without_the_deviation_the_head_has_no_further_channel() -> None:
    network = made(deviation=False)
    assert network.last.weight.shape[1] == 4
    logits = network.logits(network.features(random(2, 1, 8, 12, 8)))
    assert logits.shape == (2,)


def test_features_keep_their_size_from_level_to_level() -> None:
    """Of smooth features, which the filter leaves as they are."""
    network = made(width=32)
    features = random(8, 32, 1, 1, 1).expand(-1, -1, 24, 24, 24)
    for block in network.blocks:
        features = block(features.detach())
        # A border of zeros comes in from each side.
        inside = features[..., 2:-2, 2:-2, 2:-2]
        assert 0.7 < float(inside.detach().square().mean().sqrt()) < 1.4


@pytest.mark.parametrize("doublings", [1, 3])
def test_the_grid_is_halved_to_the_base(doublings: int) -> None:
    network = made(doublings=doublings)
    shape = [size * 2**doublings for size in (2, 3, 2)]
    assert network.features(random(1, 1, *shape)).shape == (1, 4, 2, 3, 2)

"""StyleGAN 2's generator against explicit computations in float64."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.resample import up_convolved
from hagan.networks.style import (
    Dense,
    Mapping,
    ModulatedConv,
    StyleGenerator,
    StyleLayer,
    Synthesis,
)
from hagan.networks.style_noise import fixed_noises

TAPS = (1, 3, 3, 1)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def shaken(module: nn.Module) -> None:
    """Weights that begin at 0 or 1 hide what they do."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))


def made(base: tuple[int, int, int] = (2, 3, 2), doublings: int = 2) -> Synthesis:
    torch.manual_seed(0)
    synthesis = Synthesis(
        base_shape=base, doublings=doublings, width=4, style_dim=5, filter_taps=TAPS
    ).double()
    shaken(synthesis)
    return synthesis


def noises(synthesis: Synthesis, count: int) -> list[Tensor]:
    return [random(count, 1, *grid) for grid in synthesis.grids]


# The mapping.


def test_the_mapping_is_eight_scaled_layers_of_the_direction_of_z() -> None:
    mapping = Mapping(6, layers=8, rate=0.01).double()
    for layer in mapping.layers:
        nn.init.normal_(layer.bias, std=30.0)
    z = random(3, 6)
    rows = z.numpy() / np.sqrt((z.numpy() ** 2).mean(axis=1, keepdims=True) + 1e-8)
    for layer in mapping.layers:
        weight, bias = (p.detach().numpy() * 0.01 for p in (layer.weight, layer.bias))
        rows = rows @ weight.T / sqrt(6) + bias
        rows = sqrt(2) * np.where(rows > 0, rows, 0.2 * rows)
    np.testing.assert_allclose(mapping(z).detach().numpy(), rows, rtol=1e-12)
    torch.testing.assert_close(mapping(3 * z), mapping(z), rtol=1e-6, atol=1e-6)


def test_the_mapping_keeps_the_size_of_what_it_is_given() -> None:
    torch.manual_seed(0)
    styles = Mapping(256, layers=8, rate=0.01)(torch.randn(64, 256))
    assert 0.6 < float(styles.detach().square().mean().sqrt()) < 1.6


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_a_layers_own_rate_is_that_of_its_moves(rate: float) -> None:
    """In proportion to the weights in use, for wide and narrow layers alike."""
    for inputs in (4, 400):
        layer = Dense(inputs, 50, rate=rate, bias=1.0)
        rows = torch.eye(inputs)
        zero = torch.zeros(1, inputs)
        torch.testing.assert_close(layer(zero).detach(), torch.ones(1, 50))

        def in_use(layer: Dense = layer, rows: Tensor = rows, zero: Tensor = zero) -> Tensor:
            return (layer(rows) - layer(zero)).detach()

        before = in_use()
        assert float(before.std()) == pytest.approx(1 / sqrt(inputs), rel=0.15)
        adam = torch.optim.Adam(layer.parameters(), lr=1e-2)
        (layer(rows) * torch.randn(inputs, 50)).sum().backward()
        adam.step()
        share = float((in_use() - before).norm() / before.norm())
        assert share == pytest.approx(1e-2 * rate, rel=0.15)


def test_the_mean_style_follows_by_its_decay() -> None:
    mapping = Mapping(3, layers=1, rate=0.01).double()
    first, second = random(4, 3), random(2, 3)
    mapping.follow(first, 0.9)
    mapping.follow(second, 0.9)
    expected = 0.9 * 0.1 * first.numpy().mean(axis=0) + 0.1 * second.numpy().mean(axis=0)
    np.testing.assert_allclose(mapping.mean.numpy(), expected, rtol=1e-12)
    assert "mean" in mapping.state_dict()


# Modulated convolutions.


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize(("kernel", "demodulated"), [(3, True), (1, False), (3, False)])
def test_modulation_is_a_kernel_for_each_volume(kernel: int, demodulated: bool, up: bool) -> None:
    """Karras et al. 2020, eqs. 1 and 3, with loops over volumes and outputs."""
    conv = ModulatedConv(
        3, 4, style_dim=5, kernel=kernel, demodulated=demodulated, up_taps=TAPS if up else ()
    ).double()
    shaken(conv)
    features, styles = random(3, 3, 2, 4, 3), random(3, 5)
    made, factors = conv(features, styles)
    made = made * factors[:, :, None, None, None]
    gains = styles.numpy() @ conv.scales.weight.detach().numpy().T / sqrt(5)
    gains = gains + conv.scales.bias.detach().numpy()
    for volume in range(3):
        weight = conv.weight.detach().numpy() / sqrt(3 * kernel**3)
        weight = weight * gains[volume][None, :, None, None, None]
        if demodulated:
            for output in range(4):
                weight[output] /= np.sqrt((weight[output] ** 2).sum() + 1e-8)
        own = torch.from_numpy(weight)
        one = features[volume : volume + 1]
        expected = (
            up_convolved(one, own, TAPS) if up else functional.conv3d(one, own, padding=kernel // 2)
        )
        torch.testing.assert_close(made[volume : volume + 1], expected, rtol=1e-10, atol=1e-10)


def test_demodulation_makes_outputs_of_variance_one_whatever_the_style() -> None:
    torch.manual_seed(0)
    conv = ModulatedConv(16, 16, style_dim=8)
    features = torch.randn(2, 16, 12, 12, 12)
    styles = torch.stack([torch.randn(8), 30 * torch.randn(8)])
    made, factors = conv(features, styles)
    spread = (
        (made * factors[:, :, None, None, None])
        .detach()[..., 1:-1, 1:-1, 1:-1]
        .std(dim=(1, 2, 3, 4))
    )
    torch.testing.assert_close(spread, torch.ones(2), rtol=0.1, atol=0)


def test_demodulation_keeps_float32_under_bf16() -> None:
    conv = ModulatedConv(8, 8, style_dim=8)
    features, styles = torch.randn(1, 8, 4, 4, 4), torch.randn(1, 8)
    _, exact = conv(features, styles)
    with torch.autocast("cpu", torch.bfloat16):
        made, factors = conv(features, styles.bfloat16().float())
    assert made.dtype == torch.bfloat16
    assert factors.dtype == torch.float32
    _, expected = conv(features, styles.bfloat16().float())
    assert torch.equal(factors, expected)
    assert not torch.equal(expected, exact)


def test_a_layer_adds_noise_and_bias_then_rectifies() -> None:
    layer = StyleLayer(3, grid=(2, 3, 4), style_dim=5).double()
    assert float(layer.noise_strength.detach()) == 0
    shaken(layer)
    features, style, noise = random(2, 3, 2, 3, 4), random(2, 5), random(2, 1, 2, 3, 4)
    made, factors = layer.conv(features, style)
    x = (made * factors[:, :, None, None, None]).detach().numpy()
    x = x + float(layer.noise_strength.detach()) * noise.numpy()
    x = x + layer.bias.detach().numpy()[None, :, None, None, None]
    expected = sqrt(2) * np.where(x > 0, x, 0.2 * x)
    made = layer(features, style, noise)
    np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


# The synthesis.


def test_layers_follow_the_resolution() -> None:
    """Two a doubling, one at the base grid, and the last: 2 log2 R - 2 of them."""
    synthesis = made((2, 3, 2), 3)
    assert synthesis.num_styles == 8
    assert synthesis.grids == [
        *((2, 3, 2), (4, 6, 4), (4, 6, 4), (8, 12, 8), (8, 12, 8), (16, 24, 16), (16, 24, 16)),
    ]
    volumes = synthesis(random(2, 8, 5), noises(synthesis, 2))
    assert volumes.shape == (2, 1, 16, 24, 16)


def test_each_layer_has_its_own_style_and_noise() -> None:
    synthesis = made()
    styles, drawn = random(1, 6, 5), noises(synthesis, 1)
    with torch.no_grad():
        before = synthesis(styles, drawn)
        for layer in range(6):
            other = styles.clone()
            other[:, layer] += 1
            assert not torch.allclose(synthesis(other, drawn), before), layer
        for layer in range(5):
            louder = [noise + (number == layer) for number, noise in enumerate(drawn)]
            assert not torch.allclose(synthesis(styles, louder), before), layer


def test_a_volume_does_not_depend_on_its_batch() -> None:
    synthesis = made()
    styles, drawn = random(3, 6, 5), noises(synthesis, 3)
    whole = synthesis(styles, drawn)
    alone = synthesis(styles[1:2], [noise[1:2] for noise in drawn])
    torch.testing.assert_close(alone, whole[1:2], rtol=1e-12, atol=1e-12)


def test_use_gives_all_layers_one_style_and_fixed_noise() -> None:
    synthesis = made()
    generator = StyleGenerator(Mapping(5, layers=2, rate=0.01).double(), synthesis)
    generator.mapping.mean.copy_(random(5))
    z = random(3, 5)
    w = generator.mapping(z)
    fixed = [n.expand(3, -1, -1, -1, -1) for n in fixed_noises(synthesis.grids, w)]
    expected = synthesis(torch.stack([w] * 6, dim=1), fixed)
    torch.testing.assert_close(generator(z), expected)
    # Each volume with a truncation of its own: none, half, all.
    weight = torch.tensor([[1.0], [0.5], [0.0]], dtype=torch.float64)
    between = generator.mapping.mean + weight * (w - generator.mapping.mean)
    expected = synthesis(torch.stack([between] * 6, dim=1), fixed)
    torch.testing.assert_close(generator(z, weight), expected)

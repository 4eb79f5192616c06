"""Layers of Progressive GAN against their definitions."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from hagan.networks.equalised import SameConv, pixel_norm, prepared
from hagan.networks.upsample import FORMS, UpConv


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 1, 2)])
def test_pixel_norm_divides_by_the_root_mean_square_of_the_channels(shape: tuple[int, ...]) -> None:
    features = torch.randn(shape, dtype=torch.float64)
    numbers = features.numpy()
    expected = numbers / np.sqrt((numbers**2).mean(axis=1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixel_norm(features).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "shape"),
    [(1, 1, (2, 3, 4)), (3, 1, (4, 3, 5)), (4, 1, (4, 5, 3)), (4, 2, (4, 6, 2)), (4, 2, (5, 7, 6))],
)
def test_same_convolution_is_the_sum_over_its_window(
    kernel: int, stride: int, shape: tuple[int, int, int]
) -> None:
    """The window of output o begins at stride * o - padding, of which the near side has half."""
    conv = SameConv(2, 3, kernel, stride).double()
    features = torch.randn(1, 2, *shape, dtype=torch.float64)
    made = conv(features).detach().numpy()
    sizes = [-(-size // stride) for size in shape]
    assert made.shape == (1, 3, *sizes)
    x, w, b = features.numpy()[0], conv.weight.detach().numpy(), conv.bias
    assert b is not None
    near = [
        ((out - 1) * stride + kernel - size) // 2 for out, size in zip(sizes, shape, strict=True)
    ]
    for place in product(*(range(size) for size in sizes)):
        total = b.detach().numpy().copy()
        for tap in product(range(kernel), repeat=3):
            at = [stride * o + t - n for o, t, n in zip(place, tap, near, strict=True)]
            if all(0 <= i < size for i, size in zip(at, shape, strict=True)):
                total += w[(slice(None), slice(None), *tap)] @ x[(slice(None), *at)]
        np.testing.assert_allclose(made[(0, slice(None), *place)], total, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("gain", [1.0, sqrt(2.0)])
def test_equalised_weights_are_normal_and_scaled_in_use(gain: float) -> None:
    torch.manual_seed(0)
    conv = prepared(SameConv(32, 64, 3), equalised=True, gain=gain)
    stored = dict(conv.named_parameters())["parametrizations.weight.original"].detach()
    assert float(stored.std()) == pytest.approx(1.0, abs=0.02)
    torch.testing.assert_close(conv.weight, stored * gain / sqrt(32 * 27))
    features = torch.randn(2, 32, 6, 6, 6)
    inner = conv(features)[:, :, 1:-1, 1:-1, 1:-1]
    assert float(inner.detach().std()) == pytest.approx(gain, rel=0.1), (
        "unit inputs make outputs of gain"
    )


def test_one_move_of_adam_changes_wide_and_narrow_layers_in_proportion_alike() -> None:
    shares = []
    for inputs in (4, 400):
        layer = prepared(nn.Linear(inputs, 50), equalised=True)
        before = layer.weight.detach().clone()
        adam = torch.optim.Adam(layer.parameters(), lr=1e-3)
        (layer.weight * torch.randn(50, inputs)).sum().backward()
        adam.step()
        shares.append(float((layer.weight.detach() - before).norm() / before.norm()))
    assert shares[0] == pytest.approx(shares[1], rel=0.15)
    assert shares[0] == pytest.approx(1e-3, rel=0.15)


def test_without_it_weights_are_glorots_and_every_bias_is_zero() -> None:
    layer = prepared(nn.Linear(30, 20), equalised=False)
    limit = sqrt(6 / 50)
    assert 0.95 * limit < float(layer.weight.detach().abs().max()) <= limit
    for one in (layer, prepared(nn.Linear(30, 20), equalised=True)):
        assert float(one.bias.detach().abs().max()) == 0.0


def test_every_form_of_an_equalised_doubling_convolution_is_the_same() -> None:
    layer = prepared(UpConv(3, 2, voxels=64), equalised=True).double()
    features = torch.randn(2, 3, 4, 4, 4, dtype=torch.float64)
    stored = dict(layer.named_parameters())["parametrizations.weight.original"]
    results = []
    for form in FORMS:
        layer.form = form
        made = layer(features)
        results.append((made, *torch.autograd.grad(made.square().sum(), stored)))
    for made, gradient in results[1:]:
        torch.testing.assert_close(made, results[0][0], rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(gradient, results[0][1], rtol=1e-10, atol=1e-10)

"""The fused doubling convolution equals its definition, gradients included."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.upsample import UpConv


@pytest.mark.parametrize("shape", [(1, 4, 3, 5, 2), (2, 4, 8, 8, 8)])
def test_fused_equals_plain_with_gradients(shape: tuple[int, ...]) -> None:
    layer = UpConv(4, 3).double()
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    inputs[1].data.copy_(inputs[0])
    outputs = [layer.plain(inputs[0]), layer.fused(inputs[1])]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=0, atol=1e-12)
    weights = torch.randn_like(outputs[0])
    grads = [
        torch.autograd.grad((o * weights).sum(), [i, layer.weight, layer.bias])
        for o, i in zip(outputs, inputs, strict=True)
    ]
    for plain, fused in zip(*grads, strict=True):
        torch.testing.assert_close(plain, fused, rtol=1e-12, atol=1e-11)


def test_forward_takes_either_form_with_one_answer() -> None:
    layer = UpConv(2, 2).double()
    assert layer.smallest_fused > 27
    small, large = torch.randn(1, 2, 3, 3, 3).double(), torch.randn(1, 2, 9, 9, 9).double()
    for features in (small, large):
        torch.testing.assert_close(layer(features), layer.plain(features), rtol=0, atol=1e-12)

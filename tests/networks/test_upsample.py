"""Every form of the doubling convolution equals its definition, gradients included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hagan.networks.upsample import FORMS, SMALLEST_FUSED, Form, UpConv

SHAPES = [(1, 4, 3, 5, 2), (2, 4, 8, 8, 8), (1, 4, 1, 1, 1)]


def made(form: Form, outputs: int = 3) -> UpConv:
    torch.manual_seed(0)
    layer = UpConv(4, outputs, voxels=512).double()
    layer.form = form
    return layer


def with_gradients(layer: UpConv, features: Tensor) -> list[Tensor]:
    inputs = features.clone().requires_grad_()
    output = layer(inputs)
    torch.manual_seed(1)
    weights = torch.randn_like(output)
    gradients = torch.autograd.grad(
        (output * weights).sum(), [inputs, layer.weight, layer.bias], create_graph=True
    )
    second = torch.autograd.grad(sum(g.square().sum() for g in gradients), [inputs, layer.weight])
    return [output, *gradients, *second]


def by_hand(layer: UpConv, features: Tensor) -> Tensor:
    """Voxel by voxel: repeat, pad, convolve."""
    doubled = features
    for axis in (2, 3, 4):
        doubled = doubled.repeat_interleave(2, dim=axis)
    return torch.nn.functional.conv3d(doubled, layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_form_is_the_definition_with_first_and_second_gradients(
    shape: tuple[int, ...], form: Form, outputs: int
) -> None:
    torch.manual_seed(2)
    features = torch.randn(shape, dtype=torch.float64)
    layer = made(form, outputs)
    got, expected = (
        with_gradients(layer, features),
        with_gradients(made("plain", outputs), features),
    )
    torch.testing.assert_close(got[0], by_hand(layer, features), rtol=0, atol=1e-12)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_takes_channels_last(form: Form) -> None:
    features = torch.randn(2, 4, 6, 5, 4, dtype=torch.float64)
    last = features.to(memory_format=torch.channels_last_3d)
    layer = made(form)
    torch.testing.assert_close(layer(last), layer(features), rtol=0, atol=1e-12)


def test_the_form_follows_channels_and_voxels_and_weights_keep_their_shape() -> None:
    forms = {
        (8, SMALLEST_FUSED): "transposed",
        (8, SMALLEST_FUSED - 1): "plain",
        (1, SMALLEST_FUSED): "eightfold",
    }
    for (outputs, voxels), form in forms.items():
        layer = UpConv(4, outputs, voxels=voxels)
        assert layer.form == form
        assert layer.weight.shape == (outputs, 4, 3, 3, 3)

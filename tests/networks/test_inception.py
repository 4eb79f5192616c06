"""Inception v3: torchvision's names, sizes and logits."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.inception import InceptionV3
from networks.frozen import digest, fill, noise

LOGITS = [0.391647, 0.9662, -5.18738, 0.0636763, 3.75795]
"""By torchvision 0.28.0's `Inception3`, of `noise(1, 3, 299, 299)` with the weights of `fill`."""


def test_sizes_and_names_are_torchvisions_without_the_auxiliary_head() -> None:
    with torch.device("meta"):
        network = InceptionV3()
    state = network.state_dict()
    # 27,161,264 with the auxiliary head.
    assert sum(p.numel() for p in network.parameters()) == 27_161_264 - 3_326_696
    assert len(state) == 566
    assert {"Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch3x3dbl_3b.bn.running_var"} <= set(state)
    assert state["Mixed_6c.branch7x7dbl_4.conv.weight"].shape == (160, 160, 7, 1)
    assert state["fc.weight"].shape == (1000, 2048)


def test_logits_are_torchvisions() -> None:
    network = InceptionV3().eval()
    fill(network)
    with torch.no_grad():
        logits = network(noise(1, 3, 299, 299))
    assert digest(logits[0]) == pytest.approx(LOGITS, rel=1e-4, abs=1e-4)

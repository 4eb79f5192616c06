"""The classifier of Table V."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.classifier import Classifier


@pytest.mark.parametrize("shape", [(32, 32, 32), (48, 32, 40)])
def test_any_shape_gives_a_score_a_class(shape: tuple[int, int, int]) -> None:
    network = Classifier(5).eval()
    assert network(torch.randn(2, 1, *shape)).shape == (2, 5)


def test_volumes_of_a_batch_do_not_see_each_other() -> None:
    torch.manual_seed(0)
    network = Classifier(3).eval()
    volumes = torch.randn(4, 1, 32, 32, 32)
    together = network(volumes)
    alone = torch.cat([network(volume[None]) for volume in volumes])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_dropout_is_for_training_alone() -> None:
    torch.manual_seed(0)
    network = Classifier(3)
    volumes = torch.randn(1, 1, 32, 32, 32)
    assert not torch.equal(network(volumes), network(volumes))
    network.eval()
    assert torch.equal(network(volumes), network(volumes))

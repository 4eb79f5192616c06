"""D^H and D^L: one logit a volume at any size, batch of one, the position of the slab."""

from __future__ import annotations

import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.models.ha_gan import HAGAN


@pytest.mark.parametrize(
    ("shape", "slabs"),
    [((32, 32, 32), 8), ((64, 64, 64), 8), ((80, 96, 112), 5), ((96, 96, 96), 8)],
)
def test_one_logit_a_volume_and_class_logits(shape: tuple[int, int, int], slabs: int) -> None:
    config = HAGANConfig(volume_shape=shape, num_slabs=slabs, width=8, latent_dim=8, num_classes=3)
    model = HAGAN(config)
    slab, low = torch.randn(1, 1, *config.slab_shape), torch.randn(1, 1, *config.low_shape)
    for verdict in model.judge(slab, low, 0):
        assert verdict.logit.shape == (1,)
        assert verdict.class_logits is not None
        assert verdict.class_logits.shape == (1, 3)


def test_position_changes_the_verdict_of_the_same_slab() -> None:
    model = HAGAN(HAGANConfig(volume_shape=(32, 32, 32), width=8, latent_dim=8)).eval()
    slab = torch.randn(1, 1, 4, 32, 32)
    with torch.no_grad():
        first, last = (model.discriminator.high(slab, place).logit for place in (0.0, 1.0))
    assert not torch.equal(first, last)

"""The patch GAN's configuration: scales by size, and what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("shape", "largest_low", "scales", "low"),
    [
        ((32, 32, 32), 64, 1, (16, 16, 16)),
        ((64, 64, 64), 64, 1, (32, 32, 32)),
        ((128, 128, 128), 64, 1, (64, 64, 64)),
        ((256, 256, 256), 64, 2, (64, 64, 64)),
        ((256, 256, 256), 16, 4, (16, 16, 16)),
        ((80, 96, 112), 64, 1, (40, 48, 56)),
    ],
)
def test_scale_0_is_small_and_never_the_last(
    shape: tuple[int, int, int], largest_low: int, scales: int, low: tuple[int, int, int]
) -> None:
    config = PatchGANConfig(volume_shape=shape, largest_low=largest_low)
    assert (config.num_scales, config.low_shape) == (scales, low)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"volume_shape": (12, 24, 24)}, "does not fit into scale 1"),
        ({"largest_low": 8, "patch": 32}, "does not fit into scale 1"),
        ({"largest_low": 3}, "largest_low"),
        ({"patch": 20}, "patch must be 16 or 32"),
        ({"inner": 21}, "inner must be an even"),
        ({"inner": 34}, "inner must be an even"),
        ({"stride": 22}, "stride"),
        ({"stride": 11}, "stride"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 0}, "width"),
        ({"patches": 0}, "patches"),
        ({"blocks": 0}, "blocks"),
        ({"critic_rest": 0.0}, "critic_rest"),
        ({"critic_rest": float("nan")}, "critic_rest"),
        ({"rebuilt_weight": -1.0}, "rebuilt_weight"),
        ({"low_noise": float("nan")}, "low_noise"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        PatchGANConfig(**changes)

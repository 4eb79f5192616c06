"""VAE-GAN's configuration: what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"volume_shape": (80, 96, 112), "deeper": True}, "odd axis"),
        ({"head_width": 0}, "head_width"),
        ({"divergence_weight": -1.0}, "divergence_weight"),
        ({"generator_weight": float("nan")}, "generator_weight"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        VAEGANConfig(**changes)

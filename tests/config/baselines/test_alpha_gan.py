"""alpha-GAN's configuration: what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"code_width": 0}, "code_width"),
        ({"critic_repeats": 0}, "critic_repeats"),
        ({"num_classes": 1}, "num_classes"),
        ({"penalty_weight": float("nan")}, "penalty_weight"),
        ({"reconstruction_weight": -1.0}, "reconstruction_weight"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        AlphaGANConfig(**changes)

"""WGAN-GP's configuration: what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.wgan import WGANConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"volume_shape": (8, 8, 8), "critic_head": "slices"}, "at least 16"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 0}, "width"),
        ({"critic_repeats": 0}, "critic_repeats"),
        ({"generator_repeats": 0}, "generator_repeats"),
        ({"penalty_weight": -1.0}, "penalty_weight"),
        ({"penalty_weight": float("nan")}, "penalty_weight"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        WGANConfig(**changes)

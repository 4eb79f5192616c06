"""CCE-GAN's configuration: what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"critic_repeats": 0}, "critic_repeats"),
        ({"transport_iterations": 0}, "transport_iterations"),
        ({"transport_epsilon": 0.0}, "transport_epsilon"),
        ({"transport_weight": -1.0}, "transport_weight"),
        ({"cycle_weight": float("nan")}, "cycle_weight"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        CCEGANConfig(**changes)

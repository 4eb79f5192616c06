"""The Gaussian's configuration: any shape will do, and what cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.gaussian import GaussianConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (32, 0, 32)}, "at least 1"),
        ({"latent_dim": 0}, "latent_dim"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        GaussianConfig(**changes)


def test_no_grid_limits_the_shape() -> None:
    assert GaussianConfig(volume_shape=(33, 1, 17)).volume_shape == (33, 1, 17)

"""When G rebuilds, and with what weight."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.warm_start import WarmStartConfig
from hagan.errors import UsageError


def test_the_weight_is_one_alone_then_falls_in_a_line() -> None:
    warm = WarmStartConfig(share=0.2, weight=3.0, until=0.6)
    found = [warm.weight_at(progress) for progress in (0.0, 0.19, 0.2, 0.4, 0.5, 0.6, 1.0)]
    assert found == pytest.approx([1, 1, 3, 1.5, 0.75, 0, 0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"components": 0}, "components must be at least 1"),
        ({"noise": -0.1}, "must not be negative"),
        ({"weight": float("nan")}, "must not be negative"),
        ({"code_weight": -1.0}, "code_weight must not be negative"),
        ({"share": 0.7}, "share <= until"),
        ({"until": 1.5}, "until <= 1"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        WarmStartConfig(**changes)

"""Settings of augmentation: when it begins, how likely each change is."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.augment import AugmentConfig
from hagan.errors import UsageError


def test_it_begins_late_and_rises_to_the_end() -> None:
    config = AugmentConfig(probability=0.3, begin=0.4)
    assert [config.probability_at(p) for p in (0.0, 0.39, 0.4)] == [0.0, 0.0, 0.0]
    assert config.probability_at(0.7) == pytest.approx(0.15)
    assert config.probability_at(1.0) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"probability": 0.0}, "probability"),
        ({"probability": 1.1}, "probability"),
        ({"probability": float("nan")}, "probability"),
        ({"begin": 1.0}, "begin"),
        ({"begin": -0.1}, "begin"),
        ({"adapt_to": 1.0}, "adapt_to"),
        ({"images": 0.0}, "images"),
        ({"turn": -1.0}, "turn"),
        ({"curve": float("nan")}, "curve"),
    ],
)
def test_what_means_nothing_is_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=rf"augment\.{named}"):
        AugmentConfig(**wrong)

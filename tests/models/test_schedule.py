"""Half cosines."""

from __future__ import annotations

import pytest

from hagan.models.schedule import half_cosine


def test_it_falls_from_one_to_the_end_and_is_half_way_in_the_middle() -> None:
    found = [half_cosine(progress, 0.2) for progress in (0.0, 0.25, 0.5, 1.0)]
    assert found == pytest.approx([1.0, 0.2 + 0.8 * (2 + 2**0.5) / 4, 0.6, 0.2])
    assert half_cosine(0.7, 1.0) == 1.0

"""Sets of volumes: parts and altered copies say the same as the whole."""

from __future__ import annotations

import numpy as np

from evaluation.made import bodies
from hagan.evaluation.sets import Altered, Part


def test_a_part_shows_the_chosen_volumes_with_their_subjects() -> None:
    whole = bodies("whole", 0, 4)
    part = Part("part", whole, [2, 0, 2])
    assert len(part) == 3
    assert part.subjects == ["subject-002", "subject-000", "subject-002"]
    assert np.array_equal(part.volume(0), whole.volume(2))
    assert np.array_equal(part.volume(1), whole.volume(0))
    assert part.shape == (32, 32, 32)


def test_an_altered_set_changes_each_volume_by_its_number() -> None:
    whole = bodies("whole", 0, 3)
    altered = Altered("altered", whole, lambda volume, index: volume * (index / 2))
    assert altered.subjects == whole.subjects
    assert np.array_equal(altered.volume(0), np.zeros((32, 32, 32)))
    assert np.array_equal(altered.volume(2), whole.volume(2))

"""Intensities: the difference that windows make is told, the difference of draws is not."""

from __future__ import annotations

import numpy as np

from evaluation.made import bodies
from hagan.evaluation.intensities import Intensities, difference
from hagan.evaluation.sets import Altered, VolumeSet


def rows(volumes: VolumeSet) -> np.ndarray:
    measure = Intensities()
    return np.stack([measure(volumes.volume(i)) for i in range(len(volumes))])


def test_quantiles_are_those_of_the_voxels() -> None:
    volume = np.linspace(-1, 1, 1001, dtype=np.float32).reshape(7, 11, 13)
    assert np.allclose(Intensities()(volume), (-0.98, -0.5, 0, 0.5, 0.98), atol=1e-6)


def test_sets_of_one_kind_do_not_differ() -> None:
    assert difference(rows(bodies("a", 0, 6)), rows(bodies("b", 50, 6))) is None


def test_another_window_is_told() -> None:
    real = bodies("b", 50, 6)
    brighter = Altered("a", bodies("a", 0, 6), lambda v, _: np.clip(v + 0.4, -1, 1))
    told = difference(rows(brighter), rows(real))
    assert told is not None
    assert "brighter" in told
    assert "window" in told
    assert "darker" in str(difference(rows(real), rows(brighter)))

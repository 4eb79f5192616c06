"""Features: the same on every machine, and blind to nothing that a user would see."""

from __future__ import annotations

import numpy as np

from hagan.evaluation.extractors import features_of, random_resnet10


def test_same_weights_every_time_and_finite_features() -> None:
    volumes = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 32)).astype(np.float32)
    first, second = (features_of(volumes, random_resnet10()) for _ in range(2))
    assert first.shape == (2, 512)
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    assert first.std() > 1e-3


def test_a_volume_does_not_depend_on_its_neighbours_in_the_list() -> None:
    volumes = np.random.default_rng(1).uniform(-1, 1, (2, 32, 32, 32)).astype(np.float32)
    network = random_resnet10()
    assert np.array_equal(features_of(volumes[1:], network)[0], features_of(volumes, network)[1])


def test_blur_moves_the_features() -> None:
    volume = np.random.default_rng(2).uniform(-1, 1, (32, 32, 32)).astype(np.float32)
    blurred = volume.copy()
    for axis in range(3):
        blurred = (blurred + np.roll(blurred, 1, axis)) / 2
    a, b = features_of([volume, blurred], random_resnet10())
    assert np.linalg.norm(a - b) > 0.1 * np.linalg.norm(a)

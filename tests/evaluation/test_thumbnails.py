"""Thumbnails: noisy and blurred copies stay near, other bodies do not."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.made import bodies, body
from hagan.evaluation.anchors import smooth
from hagan.evaluation.faults import add_noise
from hagan.evaluation.memorisation import Closeness
from hagan.evaluation.neighbours import Components
from hagan.evaluation.sets import VolumeSet
from hagan.evaluation.thumbnails import Thumbnail


def test_boxes_are_means() -> None:
    volume = body(0)
    expected = volume.reshape(16, 2, 16, 2, 16, 2).mean(axis=(1, 3, 5), dtype=np.float64)
    assert np.allclose(Thumbnail()(volume), expected.ravel(), atol=1e-7)
    odd = Thumbnail()(volume[:27, :30, :25])
    assert odd.shape == (4096,)
    assert odd.mean() == pytest.approx(volume[:27, :30, :25].mean(), abs=0.05)


def rows(volumes: VolumeSet) -> np.ndarray:
    return np.stack([Thumbnail()(volumes.volume(i)) for i in range(len(volumes))])


def test_copies_under_noise_and_blur_are_found() -> None:
    train, held_out, fresh = (bodies("x", first, 24) for first in (0, 100, 200))
    rng = np.random.default_rng(0)
    noisy = np.stack([Thumbnail()(add_noise(train.volume(i), 0.05, rng)) for i in range(24)])
    blurred = np.stack([Thumbnail()(smooth(train.volume(i))) for i in range(24)])
    components = Components(rows(held_out))
    real, training = components.project(rows(held_out)), components.project(rows(train))
    shares = []
    for samples in (noisy, blurred, rows(fresh)):
        shares.append(Closeness(components.project(samples), training, real).copy_share())
    assert shares[0] > 0.9
    assert shares[1] > 0.5, "boxes of two voxels, a blur of three"
    assert shares[2] < 0.3

"""Anchors: what each is made of, and the Gaussian against its closed form and an SVD."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from hagan.errors import UsageError
from hagan.evaluation import anchors
from hagan.evaluation.sets import ArraySet, VolumeSet, Voxels

SHAPE = (12, 5, 6)


class Counting(ArraySet):
    """Counts how often its volumes are read."""

    reads = 0

    def volume(self, index: int) -> Voxels:
        self.reads += 1
        return super().volume(index)


def train(
    count: int, seed: int, scale: float = 0.1, shape: tuple[int, int, int] = SHAPE
) -> Counting:
    """Volumes with more in some directions than in others, far within [-1, 1]."""
    rng = np.random.default_rng(seed)
    modes = rng.normal(size=(4, *shape))
    codes = rng.normal(size=(count, 4)) * (1.0, 0.6, 0.3, 0.1)
    volumes = scale * (
        0.3 + np.tensordot(codes, modes, 1) / 4 + 0.05 * rng.normal(size=(count, *shape))
    )
    return Counting("train", list(volumes.astype(np.float32)))


def stacked(volumes: VolumeSet) -> NDArray[np.float64]:
    return np.stack([volumes.volume(n).ravel() for n in range(len(volumes))]).astype(np.float64)


BUILDERS: list[Callable[[VolumeSet, int, int], VolumeSet]] = [
    anchors.copies,
    anchors.mirrored,
    anchors.blurred,
    lambda train, count, seed: anchors.stitched(train, count, seed, slabs=4),
    anchors.gaussian,
    lambda train, count, seed: anchors.gaussian(train, count, seed, components=3),
]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("count", [3, 9, 23])
def test_as_many_as_asked_the_same_for_a_seed_and_in_range(
    build: Callable[[VolumeSet, int, int], VolumeSet], count: int
) -> None:
    real = train(9, 0, scale=1.5)
    real.volumes = [np.clip(volume, -1, 1) for volume in real.volumes]
    made, again, other = build(real, count, 4), build(real, count, 4), build(real, count, 5)
    assert len(made) == len(made.subjects) == count
    assert made.shape == SHAPE
    for number in reversed(range(count)):
        volume = made.volume(number)
        assert volume.shape == SHAPE
        assert volume.dtype == np.float32
        assert -1 <= volume.min() < volume.max() <= 1
        assert np.array_equal(volume, again.volume(number))
        assert np.array_equal(volume, made.volume(number))
    assert not np.array_equal(stacked(made), stacked(other))


def test_copies_use_every_volume_as_often_as_the_count_allows() -> None:
    real = train(5, 1)
    made = anchors.copies(real, 13, 0)
    uses = [
        sum(np.array_equal(made.volume(n), volume) for n in range(13)) for volume in real.volumes
    ]
    assert sum(uses) == 13
    assert set(uses) == {2, 3}
    assert sorted(anchors.copies(real, 5, 0).subjects) == sorted(real.subjects)


def test_mirrored_and_blurred_are_altered_copies() -> None:
    real = train(4, 2)
    for number in range(4):
        copy = real.volumes[real.subjects.index(anchors.mirrored(real, 4, 7).subjects[number])]
        assert np.array_equal(anchors.mirrored(real, 4, 7).volume(number), np.flip(copy, 2))
        z, y, x = 5, 2, 3
        mean = copy[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].mean()
        assert anchors.blurred(real, 4, 7).volume(number)[z, y, x] == pytest.approx(mean, abs=1e-6)


def test_stitched_slabs_are_real_and_of_different_volumes() -> None:
    real = train(6, 4)
    made, orders = anchors.stitched(real, 5, 0, slabs=4), set()
    for number in range(5):
        volume = made.volume(number)
        origins = [
            [k for k, one in enumerate(real.volumes) if np.array_equal(one[slab], volume[slab])]
            for slab in (slice(start, start + 3) for start in (0, 3, 6, 9))
        ]
        assert [len(origin) for origin in origins] == [1] * 4
        assert len({origin[0] for origin in origins}) == 4
        orders.add(tuple(origin[0] for origin in origins))
    assert len(orders) > 1


def test_stitched_from_few_volumes_still_has_a_seam_at_every_border() -> None:
    real = train(2, 5)
    made = anchors.stitched(real, 1, 0, slabs=4).volume(0)
    whose = [
        int(np.array_equal(made[start : start + 3], real.volumes[1][start : start + 3]))
        for start in (0, 3, 6, 9)
    ]
    assert whose in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_gaussian_has_the_mean_and_covariance_of_the_training_volumes() -> None:
    real = train(12, 6)
    draws, volumes = stacked(anchors.gaussian(real, 6000, 1)), stacked(real)
    directions = np.random.default_rng(8).normal(size=(volumes.shape[1], 5))
    expected, found = volumes @ directions, draws @ directions
    covariance, estimate = np.cov(expected.T), np.cov(found.T)
    sd = np.sqrt(np.diag(covariance))
    assert np.abs(found.mean(0) - expected.mean(0)).max() < (4 * sd / np.sqrt(6000)).max()
    assert estimate / np.outer(sd, sd) == pytest.approx(covariance / np.outer(sd, sd), abs=0.08)
    for column in range(5):
        normal = (found[:, column] - expected[:, column].mean()) / sd[column]
        assert stats.kstest(normal, "norm").pvalue > 1e-3


def test_gaussian_is_the_decomposed_one_turned_by_the_left_singular_vectors() -> None:
    """With X - mean = U S V', e' (X - mean) = (U' e)' S V': PCA scores of the noise U' e."""
    real = train(7, 7)
    made = anchors.gaussian(real, 4, 11)
    volumes = stacked(real)
    mean = volumes.mean(axis=0)
    u, s, vt = np.linalg.svd(volumes - mean, full_matrices=False)
    noise = np.random.default_rng(11).standard_normal((4, 7))
    expected = mean + (noise @ u) * s @ vt / np.sqrt(6)
    assert stacked(made) == pytest.approx(expected, abs=1e-6)


def test_components_keep_the_leading_directions_alone() -> None:
    real = train(7, 8)
    volumes = stacked(real)
    mean = volumes.mean(axis=0)
    u, s, vt = np.linalg.svd(volumes - mean, full_matrices=False)
    noise = np.random.default_rng(11).standard_normal((4, 7))
    expected = mean + (noise @ u[:, :2]) * s[:2] @ vt[:2] / np.sqrt(6)
    made = anchors.gaussian(real, 4, 11, components=2)
    assert stacked(made) == pytest.approx(expected, abs=1e-6)
    assert np.linalg.matrix_rank(stacked(made) - mean, tol=1e-4) == 2


@pytest.mark.parametrize("components", [None, 3])
def test_a_small_budget_gives_the_same_volumes_in_more_passes(components: int | None) -> None:
    real = train(9, 9)
    voxels = int(np.prod(SHAPE))
    whole = anchors.gaussian(real, 10, 2, components)
    for budget in (1, 4 * voxels * 6):
        small = anchors.gaussian(real, 10, 2, components, budget=budget)
        assert stacked(small) == pytest.approx(stacked(whole), abs=1e-6)


def test_volumes_in_order_read_the_training_set_once_a_block() -> None:
    real = train(9, 10)
    made = anchors.gaussian(real, 10, 2)
    assert stacked(made).shape[0] == 10
    assert real.reads == 9


def test_memory_stays_within_the_budget() -> None:
    shape = (16, 64, 64)

    class Endless(VolumeSet):
        name = "endless"
        shape = (16, 64, 64)
        subjects = tuple(str(number) for number in range(40))

        def volume(self, index: int) -> Voxels:
            return np.full(shape, index / 100, np.float32)

    budget = 20 * 4 * int(np.prod(shape))
    tracemalloc.start()
    try:
        made = anchors.gaussian(Endless(), 100, 0, components=3, budget=budget)
        for number in range(100):
            made.volume(number)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Beside the budget: one volume from the set, one handed out, and the working columns.
    assert peak < budget + 4 * 4 * int(np.prod(shape)) + 2**20


def test_what_cannot_be_built_is_told() -> None:
    single = train(1, 11)
    with pytest.raises(UsageError, match="two training volumes"):
        anchors.gaussian(single, 2, 0)
    with pytest.raises(UsageError, match="two training volumes"):
        anchors.stitched(single, 2, 0, slabs=4)
    with pytest.raises(UsageError, match="equal slabs"):
        anchors.stitched(train(3, 12), 2, 0, slabs=8)
    with pytest.raises(UsageError, match="1 to 2 components, not 3"):
        anchors.gaussian(train(3, 12), 2, 0, components=3)


def test_blur_repeats_the_faces() -> None:
    volume = np.random.default_rng(13).uniform(-1, 1, SHAPE).astype(np.float32)
    padded = np.pad(volume.astype(np.float64), 1, mode="edge")
    expected = ndimage.convolve(padded, np.full((3, 3, 3), 1 / 27))[1:-1, 1:-1, 1:-1]
    assert anchors.smooth(volume) == pytest.approx(expected, abs=1e-6)

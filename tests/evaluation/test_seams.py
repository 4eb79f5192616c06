"""Seams: seen at slab borders and only there, never mistaken for anatomy or noise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from hagan.errors import UsageError
from hagan.evaluation.seams import BODY_ABOVE, Seams, slab_thickness, slice_steps

SLABS = 8


def bodies(count: int, depth: int, seed: int) -> NDArray[np.float32]:
    """Smooth textures in a bright cylinder over an empty background."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.normal(size=(count, depth, 20, 20)), (0, 1.5, 1.5, 1.5))
    texture = 0.2 * texture / texture.std() + rng.normal(0, 0.02, texture.shape)
    y, x = np.indices((20, 20)) - 9.5
    inside = np.hypot(y, x) < 8
    return np.where(inside, np.clip(texture, -0.8, 1), -1).astype(np.float32)


def mean_seams(volumes: NDArray[np.float32], slabs: int = SLABS) -> NDArray[np.float64]:
    return np.mean([Seams(slabs)(volume) for volume in volumes], axis=0)


def with_steps(volumes: NDArray[np.float32], thickness: int, size: float) -> NDArray[np.float32]:
    """Every second slab brighter."""
    bright = (np.arange(volumes.shape[1]) // thickness) % 2
    return np.clip(volumes + np.float32(size) * bright[:, None, None], -1, 1).astype(np.float32)


def test_steps_are_those_of_a_plain_loop_over_body_voxels() -> None:
    volume = bodies(1, 6, 0)[0]
    volume[4:] = -1.0
    expected = []
    for lower, upper in pairwise(volume):
        body = [
            abs(float(a) - float(b))
            for a, b in zip(lower.flat, upper.flat, strict=True)
            if max(a, b) > BODY_ABOVE
        ]
        expected.append(sum(body) / len(body) if body else 0.0)
    assert slice_steps(volume) == pytest.approx(expected, rel=1e-6)
    assert expected[3] > 0
    assert expected[4] == 0


@pytest.mark.parametrize("depth", [24, 32, 64])
def test_volumes_without_seams_are_near_one_and_seams_far_above(depth: int) -> None:
    real = bodies(40, depth, depth)
    reference, second = mean_seams(real), mean_seams(bodies(40, depth, depth + 1))
    seamed = mean_seams(with_steps(real, depth // SLABS, 0.3))
    assert reference[0] == pytest.approx(1.0, abs=0.05)
    assert second[0] / reference[0] == pytest.approx(1.0, abs=0.05)
    assert second[1] / reference[1] == pytest.approx(1.0, abs=0.5)
    assert seamed[0] / reference[0] > 1.2
    assert seamed[1] / reference[1] > 3


def test_the_gradient_is_the_closed_form() -> None:
    """Slices rise by 1/64 each and by three times that at every border."""
    steps = np.where(np.arange(1, 32) % 4 == 0, 3 / 64, 1 / 64)
    heights = np.concatenate([[0.0], np.cumsum(steps)]) - 0.5
    volume = np.broadcast_to(heights[:, None, None], (32, 5, 5)).astype(np.float32)
    # A few parts in a thousand are the floor that keeps empty volumes at 1.
    assert Seams(8)(volume)[0] == pytest.approx(3.0, rel=0.005)


@pytest.mark.parametrize(("depth", "slabs"), [(32, 8), (40, 8), (48, 6), (9, 3)])
def test_the_spectrum_is_that_of_plain_sums(depth: int, slabs: int) -> None:
    steps = np.random.default_rng(depth).uniform(0.5, 1.5, depth - 1) / depth
    heights = np.concatenate([[0.0], np.cumsum(steps)]) - 0.8
    volume = np.broadcast_to(heights[:, None, None], (depth, 2, 2)).astype(np.float32)
    thickness = depth // slabs
    length = (slabs - 1) * thickness
    first = thickness - 1 - thickness // 2
    profile = []
    for centre in range(first, first + length):
        # Half a slab to either side; a step on the edge counts half, one beyond the end is not.
        near = {
            place: 0.5 if abs(place - centre) == thickness / 2 else 1.0
            for place in range(depth - 1)
            if abs(place - centre) <= thickness / 2
        }
        mean = sum(weight * steps[place] for place, weight in near.items()) / sum(near.values())
        profile.append(steps[centre] / mean - 1)

    def log_energy(cycles: int) -> float:
        waves = np.exp(-2j * np.pi * cycles * np.arange(length) / length)
        return float(np.log(np.abs(np.dot(profile, waves)) ** 2))

    at = [cycles for cycles in range(1, length // 2 + 1) if cycles % (slabs - 1) == 0]
    beside = [
        cycles
        for cycles in range(1, length // 2 + 1)
        if cycles not in at and min(abs(cycles - other) for other in at) <= 2
    ]
    expected = np.mean([log_energy(c) for c in at]) - np.mean([log_energy(c) for c in beside])
    assert np.log(Seams(slabs)(volume)[1]) == pytest.approx(expected, abs=0.02)


def test_steps_beside_the_borders_are_no_gradient_but_a_spectrum() -> None:
    real = bodies(40, 64, 5)
    moved = np.roll(with_steps(real, 8, 0.3), 4, axis=1)
    ratio = mean_seams(moved) / mean_seams(real)
    assert ratio[0] < 1.05
    assert ratio[1] > 3


def test_steps_of_other_slabs_are_not_seen() -> None:
    """Borders every 11 slices are at no border and no period of slabs of 8."""
    real = bodies(40, 64, 6)
    ratio = mean_seams(with_steps(real, 11, 0.3)) / mean_seams(real)
    assert ratio[0] < 1.05
    assert ratio[1] < 1.5


def test_stripes_of_every_second_slice_hardly_count() -> None:
    """They fall on the last harmonic of an even slab and are no seam."""
    real = bodies(40, 64, 7)
    striped, seamed = with_steps(real, 1, 0.3), with_steps(real, 8, 0.3)
    assert mean_seams(striped)[0] < 1.05
    assert mean_seams(striped)[1] < mean_seams(seamed)[1] / 2


def test_noise_and_blur_are_no_seams() -> None:
    real = bodies(40, 64, 8)
    noise = np.random.default_rng(9).normal(0, 0.1, real.shape).astype(np.float32)
    blurred = ndimage.gaussian_filter(real, (0, 1, 1, 1), mode="nearest")
    for changed in (real + noise, blurred):
        ratio = mean_seams(changed) / mean_seams(real)
        assert ratio[0] == pytest.approx(1.0, abs=0.05)
        assert ratio[1] == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("level", [-1.0, 0.3])
def test_a_constant_volume_has_no_seam_and_gives_no_warning(level: float) -> None:
    assert Seams()(np.full((32, 4, 4), level, np.float32)) == pytest.approx([1.0, 1.0])


def test_slabs_that_cannot_be_are_told() -> None:
    volume = np.zeros((30, 4, 4), np.float32)
    with pytest.raises(UsageError, match="30 slices has no 8 equal slabs"):
        Seams(8)(volume)
    with pytest.raises(UsageError, match="16 slices has no 8 equal slabs of 3 slices or more"):
        slab_thickness(16, 8)
    with pytest.raises(UsageError, match="3 slabs or more"):
        Seams(2)
    assert slab_thickness(64, 8) == 8


def test_the_definition_changes_with_the_slabs() -> None:
    assert Seams(4).definition != Seams(8).definition

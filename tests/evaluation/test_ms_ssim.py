"""MS-SSIM against a float64 brute force, MONAI, and what a similarity must do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from hagan.errors import UsageError
from hagan.evaluation.ms_ssim import SCALE_WEIGHTS, MultiScaleSSIM, pairs
from hagan.evaluation.sets import Voxels


def pair(shape: tuple[int, int, int], seed: int, noise: float = 0.2) -> tuple[Voxels, Voxels]:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 2.0)
    a = np.clip(smooth / np.abs(smooth).max(), -1, 1)
    b = np.clip(a + rng.normal(0, noise, shape), -1, 1)
    return a.astype(np.float32), b.astype(np.float32)


def brute_force(a: Voxels, b: Voxels, scales: int, window: int) -> float:
    """Every window by itself, in float64, by the formulas."""
    offsets = np.arange(window) - (window - 1) / 2
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    kernel = np.einsum("i,j,k->ijk", line, line, line)
    kernel /= kernel.sum()
    x, y = a.astype(np.float64), b.astype(np.float64)
    total = sum(SCALE_WEIGHTS[:scales])
    result = 1.0
    for scale in range(scales):
        terms = []
        for corner in itertools.product(*(range(size - window + 1) for size in x.shape)):
            place = tuple(slice(start, start + window) for start in corner)
            mean_x, mean_y = (kernel * x[place]).sum(), (kernel * y[place]).sum()
            var_x = (kernel * (x[place] - mean_x) ** 2).sum()
            var_y = (kernel * (y[place] - mean_y) ** 2).sum()
            cov = (kernel * (x[place] - mean_x) * (y[place] - mean_y)).sum()
            term = (2 * cov + 0.0036) / (var_x + var_y + 0.0036)
            if scale == scales - 1:
                term *= (2 * mean_x * mean_y + 0.0004) / (mean_x**2 + mean_y**2 + 0.0004)
            terms.append(term)
        result *= max(np.mean(terms), 0.0) ** (SCALE_WEIGHTS[scale] / total)
        x, y = halved(x), halved(y)
    return result


def halved(volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of every 2 x 2 x 2 voxels; an odd last one is dropped."""
    d, h, w = (size // 2 for size in volume.shape)
    even = volume[: 2 * d, : 2 * h, : 2 * w]
    return even.reshape(d, 2, h, 2, w, 2).mean(axis=(1, 3, 5))


@pytest.mark.parametrize(
    ("shape", "scales", "window"),
    [((22, 24, 23), 2, 11), ((12, 14, 21), 1, 11), ((8, 9, 12), 1, 7)],
)
def test_equals_brute_force(shape: tuple[int, int, int], scales: int, window: int) -> None:
    a, b = pair(shape, sum(shape))
    measure = MultiScaleSSIM(shape)
    assert (measure.definition["scales"], measure.definition["window"]) == (scales, window)
    assert measure(a, b) == pytest.approx(brute_force(a, b, scales, window), abs=1e-6)


@pytest.mark.parametrize("side", [32, 48])
def test_equals_monai(side: int) -> None:
    metrics = pytest.importorskip("monai.metrics", reason="MONAI is the oracle of MS-SSIM")
    shape = (side, side, side)
    a, b = pair(shape, side)
    measure = MultiScaleSSIM(shape)
    theirs = metrics.MultiScaleSSIMMetric(
        spatial_dims=3, data_range=2.0, kernel_size=11, kernel_sigma=1.5, weights=measure.weights
    )
    x, y = (torch.from_numpy(volume)[None, None] for volume in (a, b))
    assert measure(a, b) == pytest.approx(float(theirs(x, y)), abs=2e-5)


def test_all_five_scales_are_those_of_the_paper() -> None:
    assert MultiScaleSSIM((176, 200, 180)).weights == pytest.approx(SCALE_WEIGHTS, abs=1e-4)
    counts = [len(MultiScaleSSIM((side,) * 3).weights) for side in (175, 128, 88, 64, 32, 16)]
    assert counts == [4, 4, 4, 3, 2, 1]
    assert sum(MultiScaleSSIM((64, 64, 64)).weights) == pytest.approx(1.0)


def test_of_a_volume_with_itself_is_one_also_when_constant() -> None:
    a, _ = pair((32, 32, 32), 1)
    measure = MultiScaleSSIM(a.shape)
    assert measure(a, a) == pytest.approx(1.0, abs=1e-6)
    flat = np.full(a.shape, -1, np.float32)
    assert measure(flat, flat) == pytest.approx(1.0, abs=1e-6)


def test_symmetric_and_falls_with_noise() -> None:
    measure = MultiScaleSSIM((32, 32, 32))
    values = []
    for noise in (0.02, 0.1, 0.3, 0.8):
        a, b = pair((32, 32, 32), 2, noise)
        values.append(measure(a, b))
        assert measure(b, a) == pytest.approx(values[-1], abs=1e-6)
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9 > 0.6 > values[-1]


def test_a_negative_is_as_unlike_as_can_be() -> None:
    a, _ = pair((32, 32, 32), 3)
    assert MultiScaleSSIM(a.shape)(a, -a) == 0.0


def test_volumes_are_left_as_they_were() -> None:
    a, b = pair((24, 24, 24), 4)
    before = a.copy(), b.copy()
    a.setflags(write=False)
    MultiScaleSSIM(a.shape)(a, b)
    assert np.array_equal(a, before[0])
    assert np.array_equal(b, before[1])


def test_pairs_are_one_ring_through_every_volume() -> None:
    ring = pairs(7, 5)
    assert len(ring) == 7
    assert all(first[1] == second[0] for first, second in itertools.pairwise([*ring, ring[0]]))
    assert sorted(first for first, _ in ring) == list(range(7))
    assert ring == pairs(7, 5)
    assert ring != pairs(7, 6)


def test_one_volume_has_no_pairs() -> None:
    with pytest.raises(UsageError, match="no pairs"):
        pairs(1, 0)

"""Sharpness: the closed form of noise, blur below and noise above the real volumes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hagan.evaluation.sharpness import MeanRatio, Sharpness


def test_equals_the_laplacian_of_another_library() -> None:
    volume = np.random.default_rng(0).uniform(-1, 1, (7, 9, 8)).astype(np.float32)
    laplacian = ndimage.laplace(volume.astype(np.float64))[1:-1, 1:-1, 1:-1]
    assert Sharpness()(volume) == pytest.approx([np.square(laplacian / 6).mean()], rel=1e-12)


def test_of_white_noise_is_seven_sixths_of_its_variance() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (40, 40, 40)).astype(np.float32)
    assert Sharpness()(noise)[0] == pytest.approx(0.01 * 7 / 6, rel=0.03)


def test_of_any_linear_ramp_is_zero() -> None:
    z, y, x = np.indices((8, 8, 8)) / 16
    ramp = (0.3 * z - 0.7 * y + 0.2 * x).astype(np.float32)
    assert Sharpness()(ramp)[0] < 1e-12


def test_every_axis_counts_alike() -> None:
    volume = np.zeros((9, 9, 9), np.float32)
    volume[4:] = 1.0
    values = [Sharpness()(np.moveaxis(volume, 0, axis))[0] for axis in range(3)]
    assert values[0] > 0
    assert values == pytest.approx([values[0]] * 3)


def test_the_ratio_finds_blur_and_noise() -> None:
    rng = np.random.default_rng(2)
    smooth = ndimage.gaussian_filter(rng.normal(size=(6, 24, 24, 24)), (0, 1, 1, 1))
    real = np.clip(smooth * 2, -0.8, 0.8).astype(np.float32)
    blurred = [ndimage.uniform_filter(volume, 3) for volume in real]
    noisy = (real + rng.normal(0, 0.2, real.shape)).astype(np.float32)
    measured = {
        name: np.stack([Sharpness()(volume) for volume in volumes])
        for name, volumes in (("real", real), ("blurred", blurred), ("noisy", noisy))
    }
    assert MeanRatio(measured["real"], measured["real"])() == 1.0
    assert MeanRatio(measured["blurred"], measured["real"])() < 0.8
    assert MeanRatio(measured["noisy"], measured["real"])() > 1.25


def test_weights_are_repeated_rows() -> None:
    rng = np.random.default_rng(3)
    fake, real = rng.uniform(size=(5, 1)), rng.uniform(size=(4, 1))
    fake_counts, real_counts = np.array([0, 3, 1, 0, 1]), np.array([2, 0, 1, 1])
    weighted = MeanRatio(fake, real)(fake_counts.astype(float), real_counts.astype(float))
    repeated = MeanRatio(np.repeat(fake, fake_counts, 0), np.repeat(real, real_counts, 0))()
    assert weighted == pytest.approx(repeated, rel=1e-12)
    assert weighted != pytest.approx(MeanRatio(fake, real)())


def test_real_volumes_without_any_detail_give_no_warning() -> None:
    nothing, something = np.zeros((3, 1)), np.ones((3, 1))
    assert MeanRatio(nothing, nothing)() == 1.0
    assert MeanRatio(something, nothing)() == float("inf")


def test_the_definition_tells_of_the_filter() -> None:
    assert Sharpness().definition["filter"] == "voxel minus mean of its six neighbours"

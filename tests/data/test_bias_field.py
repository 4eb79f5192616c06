"""Shading that is known is removed, and nothing else changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from data.made_head import needs_extra, small_brain
from hagan.data.bias_field import bias_field, correct_bias

pytestmark = needs_extra


def shading(shape: tuple[int, int, int]) -> np.ndarray:
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    return np.exp(0.5 * x - 0.4 * y * z + 0.4 * z).astype(np.float32)


def variation(voxels: np.ndarray, region: np.ndarray) -> float:
    return float(voxels[region].std() / voxels[region].mean())


@pytest.mark.slow
def test_a_known_field_is_taken_out() -> None:
    volume, mask = small_brain()
    white = mask & (volume.voxels > 90)
    field = shading(volume.shape)
    shaded = dataclasses.replace(volume, voxels=volume.voxels * field)
    corrected = correct_bias(shaded, mask)
    before, after = variation(shaded.voxels, white), variation(corrected.voxels, white)
    assert before > 0.12
    assert after < 0.4 * before
    assert np.corrcoef(bias_field(shaded, mask)[mask], field[mask])[0, 1] > 0.95
    np.testing.assert_array_equal(corrected.affine, volume.affine)
    assert np.median(corrected.voxels[mask]) == pytest.approx(np.median(shaded.voxels[mask]))
    assert np.array_equal(correct_bias(shaded, mask).voxels, corrected.voxels), "always the same"


@pytest.mark.slow
def test_beyond_the_mask_the_field_keeps_its_range() -> None:
    volume, mask = small_brain()
    field = bias_field(dataclasses.replace(volume, voxels=volume.voxels + 30), mask)
    assert field.shape == volume.shape
    assert field[mask].min() <= field.min()
    assert field.max() <= field[mask].max()


def test_a_mask_of_nothing_positive_has_no_field() -> None:
    volume, mask = small_brain()
    dark = dataclasses.replace(volume, voxels=-volume.voxels)
    np.testing.assert_array_equal(bias_field(dark, mask), 1)

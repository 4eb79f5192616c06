"""The white matter's peak comes to 110, whatever else lies in its region."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from data.made_head import small_brain
from hagan.data.white_matter import mode, scale_white_matter
from hagan.errors import ScanError


@pytest.mark.parametrize("factor", [0.01, 1.0, 37.0])
def test_the_peak_comes_to_110(factor: float) -> None:
    volume, mask = small_brain()
    region = mask & (volume.voxels > 15)  # grey matter and cavities share it
    scaled = scale_white_matter(
        dataclasses.replace(volume, voxels=volume.voxels * np.float32(factor)), region
    )
    white = scaled.voxels[mask & (volume.voxels > 90)]
    assert np.median(white) == pytest.approx(110, rel=0.02)
    assert not scaled.voxels[~mask & (volume.voxels == 0)].any()
    np.testing.assert_array_equal(scaled.affine, volume.affine)


def test_a_region_without_anything_is_refused() -> None:
    volume, mask = small_brain()
    with pytest.raises(ScanError, match="sub-1") as caught:
        scale_white_matter(volume, ~mask & (volume.voxels == 0), name="sub-1")
    assert caught.value.code == "E125"


def test_the_mode_is_where_most_values_are() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(100, 3, 5000), rng.uniform(1, 99, 6000)])
    assert mode(values.astype(np.float32)) == pytest.approx(100, abs=2)
    assert mode(np.full(5, 7, np.float32)) == 7
    assert mode(np.zeros(0, np.float32)) is None

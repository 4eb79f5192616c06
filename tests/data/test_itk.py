"""Volumes for SimpleITK: every voxel keeps its place in the patient."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from data.made_head import needs_extra
from hagan.data.itk import simple_itk, to_image
from hagan.data.volume import Volume
from hagan.errors import UsageError


def oblique(seed: int) -> Volume:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * rng.uniform(0.5, 3, 3)
    affine[:3, 3] = rng.uniform(-100, 100, 3)
    return Volume(rng.normal(size=(4, 5, 6)).astype(np.float32), affine)


@needs_extra
@pytest.mark.parametrize("seed", range(3))
def test_points_and_values_stay_where_they_are(seed: int) -> None:
    volume = oblique(seed)
    image = to_image(volume)
    for d, h, w in ((0, 0, 0), (3, 4, 5), (1, 0, 4)):
        x, y, z = (volume.affine @ [d, h, w, 1])[:3]
        place = image.TransformIndexToPhysicalPoint((w, h, d))
        np.testing.assert_allclose(place, (-x, -y, z), atol=1e-9)
        assert image.GetPixel(w, h, d) == volume.voxels[d, h, w]


@needs_extra
def test_other_values_can_take_the_voxels_place() -> None:
    volume = oblique(0)
    mask = (volume.voxels > 0).astype(np.uint8)
    image = to_image(volume, mask)
    assert image.GetPixel(5, 4, 3) == mask[3, 4, 5]


def test_without_it_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(UsageError, match=r"SimpleITK.*hagan\[brain\]"):
        simple_itk()

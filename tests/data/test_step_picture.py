"""Pictures of steps: cubic voxels, outlines in white, one file a scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.made_head import small_brain
from hagan.data.step_picture import BRIGHTEST, SIDE, Step, shown, unwatched, write_steps
from hagan.data.volume import Volume


def test_an_outline_is_white_and_lies_around_the_middle() -> None:
    volume, _ = small_brain()
    region = np.zeros(volume.shape, bool)
    region[5:15, 30:50, 8:20] = True
    cube = shown(Step("scan", volume, region))
    assert cube.shape == (SIDE,) * 3
    white = np.argwhere(cube == 1)
    np.testing.assert_allclose((white.min(0) + white.max(0)) / 2, SIDE / 2, atol=4)
    assert cube[SIDE // 2, SIDE // 2, SIDE // 2] <= BRIGHTEST, "an outline, not a region"
    assert shown(Step("scan", volume)).max() <= BRIGHTEST


def test_voxels_are_shown_as_cubes() -> None:
    ball = np.zeros((10, 40, 40), np.float32)
    affine = np.diag([8.0, 2, 2, 1])
    ball[3:7, 12:28, 12:28] = 1  # 32 mm each way
    cube = shown(Step("scan", Volume(ball, affine)))
    bright = np.argwhere(cube > -0.25)
    sides = np.ptp(bright, axis=0)
    assert sides.max() - sides.min() <= 0.1 * SIDE


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_blank_step_and_an_empty_region_are_shown(value: float) -> None:
    blank = Volume(np.full((8, 8, 8), value, np.float32), np.eye(4))
    cube = shown(Step("scan", blank, np.zeros((8, 8, 8), bool)))
    assert np.isfinite(cube).all()
    assert (cube < 1).all()


def test_the_file_names_its_scan(tmp_path: Path) -> None:
    volume, mask = small_brain()
    path = tmp_path / "a.png"
    write_steps(path, [Step("scan", volume, mask), Step("stored", volume)], "sub-1/a.nii.gz")
    with Image.open(path) as picture:
        assert picture.text["Scan"] == "sub-1/a.nii.gz"
        assert picture.height > 2 * SIDE
    unwatched(Step("scan", volume))

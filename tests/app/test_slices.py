"""Slices as a radiologist expects them: the patient's right on the left, true proportions."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hagan.app.slices import SHOWN, slice_png, thumb_png
from hagan.app.volumes import Served
from hagan.data.volume import Volume
from hagan.errors import UsageError


def served() -> Served:
    """Bright at the head, the front and the patient's right; voxels of 4 x 1 x 2 mm."""
    voxels = np.zeros((10, 20, 30), np.float32)
    voxels[5:, :8, :10] = 100
    affine = np.array([[0, 0, -2.0, 0], [0, -1, 0, 0], [4, 0, 0, 0], [0, 0, 0, 1]])
    return Served.of(Volume(voxels, affine, "mr"))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


@pytest.mark.parametrize(
    ("plane", "index", "size", "bright"),
    [
        ("axial", 7, (20 * 1, 30 * 2), (0.2, 0.15)),
        ("coronal", 2, (10 * 4, 30 * 2), (0.2, 0.15)),
        ("sagittal", 3, (10 * 4, 20 * 1), (0.2, 0.2)),
    ],
)
def test_planes_lie_as_they_should(
    plane: str, index: int, size: tuple[int, int], bright: tuple[float, float]
) -> None:
    picture = pixels(slice_png(served(), plane, index, (0, 100)))
    height, width = picture.shape
    assert max(picture.shape) == SHOWN
    assert width / height == pytest.approx(size[1] / size[0], rel=0.01)
    assert picture[int(bright[0] * height), int(bright[1] * width)] == 255
    assert picture[int(0.9 * height), int(0.9 * width)] == 0


def test_windows_and_what_is_not_there() -> None:
    dark = pixels(slice_png(served(), "axial", 7, (0, 200)))
    assert dark.max() == pytest.approx(128, abs=2)
    for index in (-1, 10):
        with pytest.raises(UsageError, match="axial slices go from 0 to 9"):
            slice_png(served(), "axial", index)
    for window in ((5.0, 5.0), (0.0, float("nan"))):
        with pytest.raises(UsageError, match="window"):
            slice_png(served(), "axial", 1, window)


def test_a_thumbnail_shows_two_planes() -> None:
    picture = pixels(thumb_png(served()))
    assert picture.shape[1] > 300
    assert picture.max() > 200

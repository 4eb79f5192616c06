"""Smaller lungs: as much air goes as was asked, and nothing but the shape changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.protocols import THORAX_WINDOW
from hagan.errors import UsageError
from hagan.evaluation import lung_fault
from hagan.evaluation.lung_fault import shrink_lungs
from hagan.evaluation.sets import Voxels


@pytest.fixture(scope="module")
def thoraxes() -> list[Voxels]:
    """Phantoms at 48 voxels a side."""
    rendered = [render_thorax(draw_thorax(7, number), 48).voxels for number in range(2)]
    return [THORAX_WINDOW.window(voxels.astype(np.float32)) for voxels in rendered]


def lung_air(volume: Voxels) -> int:
    """Voxels of air that a slice encloses, the trachea included."""
    low = volume < -0.25
    enclosed = 0
    for plane in low:
        parts, _ = ndimage.label(plane)
        rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        enclosed += np.count_nonzero(plane & ~np.isin(parts, rim))
    return enclosed


def silhouette(volume: Voxels) -> NDArray[np.bool_]:
    """The body with all that its slices enclose, without the table."""
    parts, count = ndimage.label(volume >= -0.25)
    largest = parts == 1 + np.argmax([np.count_nonzero(parts == n + 1) for n in range(count)])
    return np.stack([ndimage.binary_fill_holes(plane) for plane in largest])


@pytest.mark.parametrize("amount", [0.10, 0.25])
def test_lungs_lose_what_was_asked_and_the_skin_stays(
    thoraxes: list[Voxels], amount: float
) -> None:
    for volume in thoraxes:
        shrunken = shrink_lungs(volume, amount)
        lost = 1 - lung_air(shrunken) / lung_air(volume)
        assert lost == pytest.approx(amount, rel=0.15)
        before, after = (silhouette(one) for one in (volume, shrunken))
        assert np.array_equal(shrunken[~before], volume[~before])
        assert np.count_nonzero(before != after) < 0.005 * np.count_nonzero(before)


def test_lungs_keep_their_place_and_their_darkness(thoraxes: list[Voxels]) -> None:
    volume = thoraxes[0]
    shrunken = shrink_lungs(volume, 0.25)
    _, before = lung_fault._find_lungs(volume)
    _, after = lung_fault._find_lungs(shrunken)
    for old, new in zip(before, after, strict=True):
        assert np.count_nonzero(new & ~old) < 0.03 * np.count_nonzero(old)
        moved = np.subtract(ndimage.center_of_mass(old), ndimage.center_of_mass(new))
        assert np.abs(moved).max() < 0.3
        deep = [ndimage.binary_erosion(lung, iterations=2) for lung in (old, new)]
        levels = [np.median(v[core]) for v, core in zip((volume, shrunken), deep, strict=True)]
        assert levels[0] == pytest.approx(levels[1], abs=0.02)
    right, left = before
    assert np.nonzero(right)[2].mean() < np.nonzero(left)[2].mean()


def test_nothing_asked_is_nothing_changed(thoraxes: list[Voxels]) -> None:
    assert shrink_lungs(thoraxes[1], 0.0) == pytest.approx(thoraxes[1], abs=1e-5)


def test_airways_are_no_lungs() -> None:
    """Thin tubes of air leave a body whole, even as many as weigh up two small lungs."""
    y, x = np.indices((64, 64)) - 31.5
    slices = np.where(np.hypot(y, x) < 28, np.float32(0.2), np.float32(-1))
    for row in range(16, 48, 6):
        for column in range(16, 48, 6):
            slices[row : row + 2, column : column + 2] = -1
    with pytest.raises(UsageError, match=r"no two are found.*thorax window"):
        shrink_lungs(np.broadcast_to(slices, (32, 64, 64)).copy(), 0.1)

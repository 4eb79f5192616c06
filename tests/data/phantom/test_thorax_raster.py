import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_raster import rasterize
from hagan.data.phantom.thorax_trees import Segments


def _rod(radius, start=(100.0, 120.0, 140.0), end=(180.0, 200.0, 160.0)):
    return Segments(
        np.float32([start]), np.float32([end]), np.float32([radius]), np.zeros(1, np.intp)
    )


@pytest.mark.parametrize("radius", [0.5, 2.0, 9.0])
@pytest.mark.parametrize("side", [32, 128])
def test_the_volume_of_a_rod_is_kept_at_every_side(radius, side):
    frame = place(draw_thorax(0, 0), side)
    share = rasterize(_rod(radius), frame, (slice(0, side),) * 3)
    length = np.linalg.norm([80, 80, 20])
    drawn = share.sum() * frame.voxel_litres * 1e6
    assert drawn == pytest.approx(np.pi * radius**2 * length, rel=0.02 if radius < 5 else 0.05)
    assert share.max() <= 1


def test_a_thick_rod_is_solid_inside_and_empty_outside():
    frame = place(draw_thorax(0, 0), 128)
    share = rasterize(_rod(12.0), frame, (slice(0, 128),) * 3)
    middle = np.array([140, 160, 150]) / frame.spacing
    assert share[tuple(middle.astype(int))] > 0.9
    assert share[tuple((middle + np.array([0, 0, 12])).astype(int))] == 0


def test_a_box_is_a_crop():
    frame = place(draw_thorax(0, 0), 64)
    whole = rasterize(_rod(4.0), frame, (slice(0, 64),) * 3)
    box = (slice(20, 40), slice(18, 36), slice(10, 64))
    part = rasterize(_rod(4.0), frame, box)
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(part[inner], whole[box][inner], atol=1e-5)

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import COARSE, FIELD_OF_VIEW, place, world


def test_the_field_of_view_is_fixed():
    frame = place(draw_thorax(0, 0), 40)
    assert frame.shape == (40, 40, 40)
    assert np.array(frame.spacing) * 40 == pytest.approx(FIELD_OF_VIEW)
    assert frame.voxel_litres * 40**3 == pytest.approx(np.prod(FIELD_OF_VIEW) * 1e-6)
    z, y, x = world(40)
    assert (z.shape, y.shape, x.shape) == ((40, 1, 1), (1, 40, 1), (1, 1, 40))
    assert x[0, 0, 0] == pytest.approx(-190 + 190 / 40)


def test_shift_moves_the_body_the_right_way():
    subject = replace(draw_thorax(0, 0), pose=(0.0, 0.0, 0.0), shift=(0.0, 0.0, 0.0))
    still, moved = place(subject, 40), place(replace(subject, shift=(0.0, 0.0, 7.0)), 40)
    np.testing.assert_allclose(still.x - moved.x, 7, atol=1e-3)
    np.testing.assert_allclose(still.z, moved.z, atol=1e-3)


def test_locate_inverts_the_coordinates():
    frame = place(draw_thorax(0, 1), 40)
    for point in ((0.0, 0.0, 0.0), (80.0, 30.0, -60.0), (-100.0, -40.0, 75.0)):
        found = np.array(frame.locate(point))
        cell = np.round(found / np.array(FIELD_OF_VIEW) * COARSE - 0.5).astype(int)
        here = [float(axis[tuple(cell)]) for axis in (frame.z, frame.y, frame.x)]
        centre = (cell + 0.5) / COARSE * np.array(FIELD_OF_VIEW)
        np.testing.assert_allclose(found - centre, np.array(point) - here, atol=1.5)


def test_box_holds_the_mask_and_no_more_than_its_margin():
    frame = place(draw_thorax(0, 0), 112)
    inside = np.zeros((COARSE, COARSE, COARSE), bool)
    inside[10:20, 5:6, 30:56] = True
    box = frame.box(inside, 0.0)
    assert box == (slice(20, 40), slice(10, 12), slice(60, 112))
    empty = frame.box(np.zeros_like(inside), 3.0)
    assert frame.fine(frame.z, empty).size == 0

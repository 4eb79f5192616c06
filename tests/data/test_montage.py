"""Montages: which way is up, what is where, how bright."""

from __future__ import annotations

import numpy as np

from hagan.data.montage import middle_planes, montage


def test_planes_have_head_and_front_on_top_and_right_on_the_left() -> None:
    # One bright corner: head, front, the patient's right.
    volume = np.zeros((4, 6, 8), np.float32)
    volume[2:, :4, :5] = 1
    axial, coronal, sagittal = middle_planes(volume)
    assert (axial.shape, coronal.shape, sagittal.shape) == ((6, 8), (4, 8), (4, 6))
    for plane in (axial, coronal, sagittal):
        assert plane[0, 0] == 1
        assert plane[-1, -1] == 0
        assert plane[-1, 0] == 0
        assert plane[0, -1] == 0


def test_small_volumes_are_enlarged_by_whole_voxels() -> None:
    volume = np.random.default_rng(0).uniform(-1, 1, (32, 32, 32)).astype(np.float32)
    image = montage([("", [volume])])
    block = image[4 + 10 + 4 : -4, 4 : 4 + 96]
    assert block.shape == (96, 96)
    voxels = block[::3, ::3]
    np.testing.assert_array_equal(block, voxels.repeat(3, 0).repeat(3, 1))
    np.testing.assert_allclose(voxels, (volume[16] + 1) * 127.5, atol=0.51)


def test_brightness_runs_from_minus_one_to_one_and_stays_there() -> None:
    volume = np.full((4, 4, 4), np.nan, np.float32)
    volume[2, 2] = [-3, -1, 1, 3]
    image = montage([("", [volume])], scale=1)
    np.testing.assert_array_equal(image[-4 - 4 + 2, 4:8], [0, 0, 255, 255])
    assert image[-4 - 1, 4] == 0


def test_rows_and_shapes_may_differ_and_empty_rows_vanish() -> None:
    big, small = np.zeros((8, 10, 12), np.float32), np.zeros((4, 4, 4), np.float32)
    image = montage([("real", [big, small]), ("none", []), ("fake", [small])], scale=1)
    without = montage([("real", [big, small]), ("fake", [small])], scale=1)
    np.testing.assert_array_equal(image, without)
    assert image.dtype == np.uint8
    # Two lines of letters, a row of 10 and a row of 4 pixels, gaps and margins of 4.
    assert image.shape[0] == 4 + 10 + 4 + 10 + 4 + 10 + 4 + 4 + 4
    assert image.shape[1] == 4 + (12 + 2 + 12 + 2 + 10) + 8 + (4 + 2 + 4 + 2 + 4) + 4


def test_label_is_drawn() -> None:
    volume = np.full((8, 8, 8), -1, np.float32)
    one, other = (montage([(text, [volume])])[4:14] for text in ("real", "fake"))
    assert (one == 255).any()
    assert (one != other).any()
    np.testing.assert_array_equal(one, montage([("REAL", [volume])])[4:14])


def test_a_bright_corner_is_found_where_a_radiologist_looks_for_it() -> None:
    volume = np.full((8, 8, 8), -1, np.float32)
    # At the head, in front, on the patient's right, and reaching every middle plane.
    volume[4:, :5, :5] = 1
    image = montage([("", [volume])], scale=1)
    planes = image[-4 - 8 : -4, 4:-4]
    axial, coronal, sagittal = planes[:, :8], planes[:, 10:18], planes[:, 20:28]
    for plane, rows in ((axial, slice(0, 5)), (coronal, slice(0, 4)), (sagittal, slice(0, 4))):
        expected = np.zeros((8, 8), np.uint8)
        expected[rows, :5] = 255
        np.testing.assert_array_equal(plane, expected)


def test_each_row_has_its_own_label_above_it() -> None:
    volume = np.full((8, 8, 8), -1, np.float32)
    image = montage([("real", [volume] * 4), ("fake", [volume] * 4)], scale=1)
    bright = np.flatnonzero((image == 255).any(axis=1))
    assert set(bright) == {*range(4, 14), *range(4 + 10 + 4 + 8 + 4, 4 + 10 + 4 + 8 + 4 + 10)}

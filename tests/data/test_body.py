"""The body in a thorax CT: whole, filled, without the table."""

from __future__ import annotations

import numpy as np

from hagan.data.body import body_of


def test_the_lungs_are_of_the_body_and_the_table_is_not() -> None:
    tissue = np.zeros((20, 40, 40), bool)
    tissue[:, 8:28, 5:35] = True
    body = tissue.copy()
    tissue[4:16, 12:24, 8:18] = tissue[4:16, 12:24, 22:32] = False
    tissue[:, 32:34, 2:38] = True
    np.testing.assert_array_equal(body_of(tissue), body)


def test_an_airway_that_leaves_through_the_top_is_filled() -> None:
    tissue = np.zeros((20, 40, 40), bool)
    tissue[:, 8:28, 5:35] = True
    body = tissue.copy()
    tissue[8:, 16:20, 18:22] = False
    np.testing.assert_array_equal(body_of(tissue), body)


def test_a_wall_that_is_open_in_axial_slices_holds_its_lung() -> None:
    tissue = np.zeros((20, 40, 40), bool)
    tissue[:, 8:28, 5:35] = True
    tissue[4:16, 12:24, 8:18] = False
    body = tissue.copy()
    body[4:16, 12:24, 8:18] = True
    tissue[10, 18, 5:8] = False  # a hole through the chest wall in one slice
    found = body_of(tissue)
    # The coronal plane of the hole is open as well; all others hold.
    rows = [row for row in range(12, 24) if row != 18]
    np.testing.assert_array_equal(found[:, rows], body[:, rows])


def test_nothing_in_nothing() -> None:
    assert not body_of(np.zeros((8, 8, 8), bool)).any()

"""The body in a thorax CT: whole, filled, without the table."""

from __future__ import annotations

import numpy as np
import pytest

from data.made_head import canonical
from hagan.data.body import body_of, find_body
from hagan.data.morphology import dice
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.volume import Volume
from hagan.errors import ScanError


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


def chest(touching: bool) -> tuple[Volume, np.ndarray]:
    """A chest of 320 x 240 mm with lungs, on a table top of 6 mm with side rails."""
    hu = np.full((30, 100, 120), -1000, np.float32)
    _, y, x = np.meshgrid(*(np.arange(size) for size in hu.shape), indexing="ij")
    body = ((y - 45) / 40) ** 2 + ((x - 60) / 53) ** 2 < 1
    hu[body] = 40
    hu[((y - 45) / 28) ** 2 + ((np.abs(x - 60) - 24) / 18) ** 2 < 1] = -850
    top = 84 if touching else 88
    hu[:, top : top + 2, 5:115] = 300
    hu[:, top - 8 : top, 5:7] = hu[:, top - 8 : top, 113:115] = 300
    hu += np.random.default_rng(0).normal(0, 15, hu.shape)
    return Volume(hu.astype(np.float32), canonical(hu.shape, 3.0), "ct"), body


@pytest.mark.parametrize("touching", [False, True])
def test_a_table_is_left_out_even_where_it_touches(touching: bool) -> None:
    scan, truth = chest(touching)
    found = find_body(scan)
    assert dice(found, truth) > 0.98
    assert not found[:, 90:].any()
    assert not found[:, :, :7].any()


@pytest.mark.slow
def test_the_body_of_a_phantom_holds_all_its_lungs() -> None:
    rendered = render_thorax(draw_thorax(3, 1), 96, masks=True)
    spacing = np.array([330, 380, 380]) / 96
    affine = canonical(rendered.voxels.shape, 1.0)
    affine[:3, :3] *= spacing
    found = find_body(Volume(rendered.voxels.astype(np.float32), affine, "ct"))
    lung = rendered.masks["lung"] > 0.5
    assert np.mean(found[lung]) > 0.999
    assert 0.1 < found.mean() < 0.7


def test_air_has_no_body() -> None:
    rng = np.random.default_rng(0)
    hu = rng.normal(-1000, 20, (20, 40, 40)).astype(np.float32)
    hu[:, 35] = 100  # a table alone
    with pytest.raises(ScanError, match="sub-1") as caught:
        find_body(Volume(hu, canonical(hu.shape, 4.0), "ct"), name="sub-1")
    assert caught.value.code == "E126"

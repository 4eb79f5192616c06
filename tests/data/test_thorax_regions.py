"""Lungs and bone against the truth of phantoms, and on real scans where there are any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hagan.data.morphology import dice
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.scans import find_scans
from hagan.data.thorax_regions import bone_threshold, thorax_regions

SIDE = 64
SPACING = (330 / SIDE, 380 / SIDE, 380 / SIDE)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_lungs_and_bone_agree_with_the_truth(noise: float) -> None:
    subject = draw_thorax(11, 3)
    rendered = render_thorax(replace(subject, noise_hu=noise * subject.noise_hu), SIDE, masks=True)
    found = thorax_regions(rendered.voxels.astype(np.float32), SPACING)
    voxel_l = float(np.prod(SPACING)) * 1e-6
    assert dice(found["lung"], rendered.masks["lung"] > 0.5) > 0.97
    assert found["lung"].sum() * voxel_l == pytest.approx(rendered.truth["lung_l"], rel=0.05)
    assert dice(found["bone"], rendered.masks["bone"] > 0.5) > 0.7
    share = 100 * found["emphysema"].sum() / found["lung"].sum()
    assert share == pytest.approx(rendered.truth["laa_percent"], abs=0.2)
    assert not (found["bone"] & found["lung"]).any()


def test_a_table_and_the_air_around_are_no_lung() -> None:
    hu = np.full((40, 40, 40), -1000, np.float32)
    hu[:, 8:28, 5:35] = 40
    hu[8:32, 12:24, 8:18] = hu[8:32, 12:24, 22:32] = -850
    hu[:, 32:34, 2:38] = 300  # a table, bright as bone
    hu[:, 34:36, 10:14] = -1000
    found = thorax_regions(hu, (8.0, 8.0, 8.0))
    assert found["lung"].sum() == pytest.approx(2 * 24 * 12 * 10, rel=0.1)
    assert not found["bone"].any()


def test_the_trachea_is_cut_off() -> None:
    hu = np.full((60, 60, 60), 40, np.float32)
    hu[10:40, 15:45, 5:21] = hu[10:40, 15:45, 39:55] = -850
    hu[25:28, 28:31, 20:40] = -950  # bronchi, 12 mm thick
    hu[25:60, 27:33, 27:33] = -950  # a trachea, 24 mm thick, out through the top
    found = thorax_regions(hu, (4.0, 4.0, 4.0))["lung"]
    assert not found[45:, :, :].any()
    assert found[20, 30, 15]
    assert found[20, 30, 45]


def test_airways_are_the_air_between_the_lungs_that_reaches_above_them() -> None:
    hu = np.full((60, 60, 60), -1000, np.float32)
    hu[:, 8:52, 2:58] = 40
    hu[10:40, 15:45, 5:21] = hu[10:40, 15:45, 39:55] = -850
    hu[30:56, 28:31, 28:31] = -950  # a trachea
    hu[2:8, 20:30, 25:35] = -990  # gas in the stomach
    hu[50:58, 12:16, 4:10] = -990  # a fold of the arm
    found = thorax_regions(hu, (4.0, 4.0, 4.0))
    airways = np.argwhere(found["airways"])
    np.testing.assert_array_equal(airways.min(0), [30, 28, 28])
    np.testing.assert_array_equal(airways.max(0), [55, 30, 30])
    assert not (found["airways"] & found["lung"]).any()


def test_nothing_is_found_in_nothing() -> None:
    rng = np.random.default_rng(0)
    found = thorax_regions(rng.normal(40, 10, (20, 20, 20)).astype(np.float32), (5.0, 5.0, 5.0))
    assert not any(mask.any() for mask in found.values())


@pytest.mark.parametrize(
    ("voxel", "expected"), [(0.7, 200), (3, 200), (6, 175), (12, 150), (30, 150)]
)
def test_bone_has_a_lower_threshold_in_large_voxels(voxel: float, expected: float) -> None:
    assert bone_threshold((voxel, voxel, voxel)) == pytest.approx(expected)


@pytest.mark.real
@pytest.mark.slow
def test_real_chests_have_two_lungs_of_credible_size(real_data: Path) -> None:
    found = {}
    for scan in find_scans(real_data / "thorax_ct"):
        volume = scan.read()
        step = max(1, round(3.0 / min(volume.spacing)))
        voxels = volume.voxels[:, ::step, ::step]
        d, h, w = volume.spacing
        spacing = (d, h * step, w * step)
        masks = thorax_regions(voxels, spacing)
        litres = masks["lung"].sum() * float(np.prod(spacing)) * 1e-6
        half = masks["lung"].shape[2] // 2
        right = masks["lung"][:, :, :half].sum() / masks["lung"].sum()
        inside = float(voxels[masks["lung"]].mean())
        found[scan.name] = (litres, right, inside, masks["bone"].sum())
    assert len(found) == 4
    for litres, right, inside, bone in found.values():
        assert 2.0 < litres < 6.5
        assert 0.3 < right < 0.7
        assert inside < -700
        assert bone > 0

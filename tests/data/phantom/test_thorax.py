from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax


@pytest.fixture(scope="module")
def rendered():
    return render_thorax(draw_thorax(1, 0), 48, masks=True)


def _assert_calibrated(truth):
    assert truth["lung_l"] == pytest.approx(truth["lung_target_l"], rel=0.01)
    target = truth["laa_target_percent"]
    assert truth["laa_percent"] == pytest.approx(target, abs=max(0.03 * target, 0.1))


def test_a_scan_has_the_documented_form(rendered):
    assert rendered.voxels.shape == (48, 48, 48)
    assert rendered.voxels.dtype == np.int16
    assert rendered.voxels.min() >= -1024
    assert rendered.voxels.max() > 200
    for mask in rendered.masks.values():
        assert mask.shape == (48, 48, 48)
        assert mask.min() >= 0
        assert mask.max() <= 1
    assert set(rendered.masks) == {"lung", "bone", "emphysema"}
    assert render_thorax(draw_thorax(1, 0), 32).masks == {}


def test_the_axes_run_up_back_and_left(rendered):
    voxels, lung = rendered.voxels, rendered.masks["lung"]
    # The table lies behind, the liver (dense, low) on the right, bone behind the lungs.
    spine = ndimage.center_of_mass(rendered.masks["bone"][10:38, :, 18:30])
    assert spine[1] > ndimage.center_of_mass(lung)[1]
    low = voxels[4:14, 16:32]
    right, left = low[:, :, 10:20], low[:, :, 28:38]
    assert np.median(right) > np.median(left) - 5
    area = lung.sum(axis=(1, 2))
    assert area[-4:].sum() < area[8:12].sum()


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("number", range(4))
def test_volume_and_emphysema_are_calibrated(number, side):
    _assert_calibrated(render_thorax(draw_thorax(1, number), side).truth)


def test_truth_is_measured_on_the_scan(rendered):
    truth, lung = rendered.truth, rendered.masks["lung"]
    litres = 330 * 380 * 380 / 48**3 * 1e-6
    assert lung.sum() * litres == pytest.approx(truth["lung_l"], rel=1e-3)
    assert truth["lung_right_l"] + truth["lung_left_l"] == pytest.approx(truth["lung_l"])
    assert rendered.masks["bone"].sum() * litres == pytest.approx(truth["bone_l"], rel=1e-3)
    assert np.count_nonzero(rendered.voxels > 150) == truth["voxels_above_150_hu"]
    low = np.count_nonzero((rendered.voxels < -950) & (lung > 0.5)) / np.count_nonzero(lung > 0.5)
    assert 100 * low == pytest.approx(truth["laa_percent"], abs=1.0)


def test_same_numbers_same_bytes_other_numbers_other_bytes():
    first = render_thorax(draw_thorax(1, 0), 32).voxels.tobytes()
    assert first == render_thorax(draw_thorax(1, 0), 32).voxels.tobytes()
    assert first != render_thorax(draw_thorax(2, 0), 32).voxels.tobytes()


def test_the_same_person_at_every_side():
    subject = draw_thorax(1, 4)
    small, large = render_thorax(subject, 32, masks=True), render_thorax(subject, 64, masks=True)
    pooled = large.masks["lung"].reshape(32, 2, 32, 2, 32, 2).mean(axis=(1, 3, 5))
    assert np.abs(pooled - small.masks["lung"]).mean() < 0.01


@pytest.mark.slow
def test_one_factor_walks_while_the_rest_stands_still():
    subject = replace(draw_thorax(1, 2), laa=6.0)
    base = render_thorax(subject, 48, masks=True)
    bony = render_thorax(replace(subject, bone=subject.bone * np.exp(0.12)), 48, masks=True)
    assert bony.truth["voxels_above_150_hu"] > 1.02 * base.truth["voxels_above_150_hu"]
    np.testing.assert_array_equal(bony.masks["lung"], base.masks["lung"])
    worse = render_thorax(replace(subject, laa=12.0), 48, masks=True)
    assert worse.truth["emphysema_share"] > 1.5 * base.truth["emphysema_share"]
    outside = base.masks["lung"] == 0
    np.testing.assert_array_equal(worse.voxels[outside], base.voxels[outside])
    larger = render_thorax(replace(subject, lung_volume=subject.lung_volume * 1.2), 48)
    assert larger.truth["lung_l"] == pytest.approx(1.2 * base.truth["lung_l"], rel=0.01)


@pytest.mark.slow
def test_extreme_subjects_are_solved():
    subject = draw_thorax(1, 3)
    for change in (
        {"lung_volume": 2.8, "hyperinflation": 0.9},
        {"lung_volume": 8.2, "hyperinflation": -0.2, "width": 0.9, "depth": 0.88},
        {"laa": 0.05, "parenchyma_hu": -915.0, "noise_hu": 26.0, "hyperinflation": 0.9},
        {"laa": 50.0, "parenchyma_hu": -830.0},
    ):
        _assert_calibrated(render_thorax(replace(subject, **change), 32).truth)


@pytest.mark.slow
def test_sixty_four_subjects_are_calibrated_and_unlike():
    scans, lungs = [], []
    for number in range(64):
        subject = draw_thorax(1, number)
        rendered = render_thorax(subject, 64, masks=True)
        _assert_calibrated(rendered.truth)
        scans.append(np.clip(rendered.voxels, -1000, 400).reshape(-1).astype(np.float32))
        if subject.gold == 0:
            core = ndimage.binary_erosion(rendered.masks["lung"] > 0.99)
            lungs.append(np.percentile(rendered.voxels[core], (5, 50, 95)))
    alike = np.corrcoef(np.stack(scans))
    assert alike[np.triu_indices(64, 1)].max() < 0.97
    low, middle, high = np.mean(lungs, axis=0)
    assert -946 < low < -894
    assert -900 < middle < -830
    assert -750 < high < -658

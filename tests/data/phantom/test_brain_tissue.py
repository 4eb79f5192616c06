"""Coverage of thin slabs and the composition of tissue."""

import numpy as np
import pytest

from hagan.data.phantom.brain_calibration import solve_brain
from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_cortex import Sheet
from hagan.data.phantom.brain_grid import SPACING, WorkSampler
from hagan.data.phantom.brain_tissue import (
    Tissue,
    Widths,
    compose,
    cover_cortex,
    sheet_ends,
    slab,
)


@pytest.mark.parametrize("half_width", [0.2, 0.55, 1.7])
@pytest.mark.parametrize("voxel", [0.75, 2.0, 3.0])
def test_a_slab_keeps_its_thickness_whatever_the_voxel(half_width: float, voxel: float) -> None:
    offsets = np.linspace(-8, 8, 3201, dtype=np.float32)
    thickness = slab(offsets, half_width, voxel).mean() * 16
    assert thickness == pytest.approx(2 * half_width, rel=0.01)


def test_layers_of_a_sulcus() -> None:
    x = np.linspace(-10, 10, 2001, dtype=np.float32)
    deep = np.full_like(x, 20)
    sheet = (x, np.full_like(x, -5), 1.0)
    widths = Widths(scale=1.25, half_width=0.75, thickness=2.5, deeper=0.0)
    inside, fluid, white = cover_cortex(-deep, deep, [sheet], widths, 0.1)
    assert (inside == 1).all()
    assert fluid.mean() * 20 == pytest.approx(2 * 0.75 / 1.25, rel=0.02)
    # The cortex is 16 % thinner at depth.
    grey = (inside - fluid - white).mean() * 20
    assert grey == pytest.approx(2 * 2.5 / 1.25 * 0.84, rel=0.02)


def test_a_sulcus_ends_at_its_depth() -> None:
    across = np.zeros(3, np.float32)
    beyond = np.array([-3, 1, 6], np.float32)
    hull = np.full(3, -20, np.float32)
    widths = Widths(1.0, 0.6, 2.5, 0.0)
    _, fluid, white = cover_cortex(hull, -hull, [(across, beyond, 1.0)], widths, 0.5)
    assert fluid[0] == 1
    assert fluid[1] == 0
    assert white.tolist() == [0, 0, 1]


def test_depth_correction_moves_only_ends_that_stretch() -> None:
    beyond = np.zeros((1, 1, 2), np.float32)
    limit = np.array([[[-9.0, -1.0]]], np.float32)
    assert sheet_ends(Sheet(beyond, beyond, 1.0, False), 3.0).tolist() == [[[0.0, 0.0]]]
    assert sheet_ends(Sheet(beyond, beyond, 1.0, True, limit), 3.0).tolist() == [[[-3.0, -1.0]]]


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    brain = solve_brain(draw_brain(1, 0), 32)
    return compose(
        brain.ribbon,
        brain.hindbrain,
        brain.layers,
        brain.widths,
        (0.7, draw_brain(1, 0).csf_intensity),
        WorkSampler(),
        SPACING,
    )


def test_fractions_are_fractions(tissue: Tissue) -> None:
    whole = tissue.gm + tissue.wm + tissue.csf
    assert whole.max() < 1 + 1e-4
    for field in (tissue.gm, tissue.wm, tissue.csf, tissue.ventricles, tissue.hippocampi):
        assert field.min() > -1e-4
    assert (tissue.ventricles <= tissue.csf + 1e-4).all()
    assert (tissue.hippocampi <= tissue.gm + 1e-4).all()


def test_brightness_lies_between_fluid_and_white_matter(tissue: Tissue) -> None:
    whole = tissue.gm + tissue.wm + tissue.csf > 0.999
    assert tissue.signal[whole].min() > draw_brain(1, 0).csf_intensity - 1e-3
    assert tissue.signal[whole].max() < 1.04
    assert tissue.signal[tissue.wm > 0.999].min() > 0.9
    assert np.abs(tissue.signal[tissue.gm + tissue.wm + tissue.csf < 1e-6]).max() < 1e-4

"""Sulci."""

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_cortex import Sheet, build_sheets
from hagan.data.phantom.brain_grid import SHAPE, SPACING, build_space
from hagan.data.phantom.brain_hindbrain import build_hindbrain
from hagan.data.phantom.brain_hull import Outline, build_outline


def _sheets(number: int) -> tuple[Outline, list[Sheet]]:
    # The head of subject 0 with the sulci of another, so that only those differ.
    head = draw_brain(1, 0)
    space = build_space(head)
    outline = build_outline(space, build_hindbrain(head, space))
    return outline, build_sheets(replace(head, subject=number), space, outline)


@pytest.fixture(scope="module")
def laid() -> tuple[Outline, list[Sheet]]:
    return _sheets(0)


def test_primary_secondary_sylvian_insula_midline(laid: tuple[Outline, list[Sheet]]) -> None:
    sheets = laid[1]
    assert [s.stretches for s in sheets] == [True, True, False, False, False]
    for sheet in sheets:
        assert sheet.across.shape == sheet.beyond.shape == SHAPE
        assert sheet.across.dtype == sheet.beyond.dtype == np.float32
        assert np.isfinite(sheet.across).all()


def test_distances_across_sulci_are_millimetres(laid: tuple[Outline, list[Sheet]]) -> None:
    outline, sheets = laid
    shell = (outline.depth > 3) & (outline.depth < 12) & (sheets[0].limit < 0)
    slope = np.sqrt(sum(g**2 for g in np.gradient(sheets[0].across, SPACING)))
    near = shell & (np.abs(sheets[0].across) < 2)
    assert np.median(slope[near]) == pytest.approx(1, abs=0.2)


def test_sulci_are_a_wavelength_apart_and_on_both_sides_of_zero(
    laid: tuple[Outline, list[Sheet]],
) -> None:
    outline, sheets = laid
    shell = (outline.depth > 3) & (outline.depth < 10)
    assert 0.4 < (sheets[0].across[shell] > 0).mean() < 0.6
    # Zeros half a wavelength of 27 mm apart leave a third of the points within 2.2 mm of one.
    assert 0.2 < (np.abs(sheets[0].across[shell]) < 2.2).mean() < 0.5


def test_sulci_run_inward(laid: tuple[Outline, list[Sheet]]) -> None:
    outline, sheets = laid
    inward = np.stack(np.gradient(outline.depth, SPACING))
    turning = np.stack(np.gradient(sheets[0].across, SPACING))
    shell = (outline.depth > 4) & (outline.depth < 8) & (np.abs(sheets[0].across) < 2)
    aligned = np.abs((inward * turning).sum(axis=0))[shell]
    lengths = np.sqrt((inward**2).sum(axis=0) * (turning**2).sum(axis=0))[shell]
    assert np.median(aligned / lengths) < 0.35


def test_every_brain_has_its_own_sulci_over_a_shared_plan(
    laid: tuple[Outline, list[Sheet]],
) -> None:
    outline, sheets = laid
    other = _sheets(1)[1]
    shell = (outline.depth > 1) & (outline.depth < 8)
    likeness = np.corrcoef(np.sign(sheets[0].across[shell]), np.sign(other[0].across[shell]))[0, 1]
    assert 0.02 < likeness < 0.4

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_paint import Canvas
from hagan.data.phantom.thorax_shape import solve_chest
from hagan.data.phantom.thorax_spine import CORD_HU, DISC_HU, limb_paint, spine_paint


@pytest.fixture(scope="module")
def scene():
    subject = replace(draw_thorax(1, 0), pose=(0.0, 0.0, 0.0), kyphosis=2.0)
    frame = place(subject, 128)
    return subject, frame, solve_chest(subject, frame)


def _painted(frame, paints):
    canvas = Canvas(np.zeros(frame.shape, np.float32), np.zeros(frame.shape, np.float32))
    for paint in paints:
        canvas.paint(paint)
    return canvas


def test_vertebrae_alternate_with_discs(scene):
    subject, frame, chest = scene
    canvas = _painted(frame, spine_paint(subject, frame, chest))
    z, y, x = (frame.fine(axis) for axis in (frame.z, frame.y, frame.x))
    core = (np.abs(y - chest.build.spine) < 6) & (np.abs(x) < 6) & (np.abs(z) < 110)
    column = [canvas.bone[level][core[level]].mean() for level in range(128) if core[level].any()]
    peaks, _ = signal.find_peaks(column, prominence=0.3)
    spacing = 24.5 * chest.build.size**0.8
    assert np.diff(peaks).mean() * frame.spacing[0] == pytest.approx(spacing, rel=0.1)
    assert np.isclose(canvas.hu[core], DISC_HU, atol=3).any()
    cord = (np.abs(x) < 2) & (np.abs(y - (chest.build.spine + 22.5)) < 2) & (np.abs(z) < 80)
    assert np.median(canvas.hu[cord]) == pytest.approx(CORD_HU, abs=2)


def test_trabecular_attenuation_shows_in_the_bodies(scene):
    subject, frame, chest = scene
    soft, hard = (
        _painted(frame, spine_paint(replace(subject, trabecular_hu=hu), frame, chest)).hu
        for hu in (80.0, 200.0)
    )
    assert hard.max() == pytest.approx(soft.max(), rel=0.05)
    assert 40 < np.median((hard - soft)[hard - soft > 5]) <= 121


def test_limbs_are_symmetric_bones_above_the_lungs(scene):
    subject, frame, chest = scene
    right, left = limb_paint(subject, frame, chest)
    assert right.bone
    assert left.bone
    assert right.share.sum() == pytest.approx(left.share.sum(), rel=0.35)
    assert frame.fine(frame.z)[right.where][right.share > 0.5].min() > 70

"""Cerebellum and brain stem."""

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_grid import SPACING, build_space
from hagan.data.phantom.brain_hindbrain import Hindbrain, build_hindbrain
from hagan.data.phantom.brain_tissue import cover_cerebellum


@pytest.fixture(scope="module")
def hindbrain() -> Hindbrain:
    subject = draw_brain(1, 0)
    return build_hindbrain(subject, build_space(subject))


def test_sizes_are_plausible(hindbrain: Hindbrain) -> None:
    unit = SPACING**3 / 1000
    assert 110 < (hindbrain.cerebellum < 0).sum() * unit < 190
    assert 20 < ((hindbrain.stem < 0) & (hindbrain.cerebellum > 0)).sum() * unit < 50


def test_every_field_fills_the_box(hindbrain: Hindbrain) -> None:
    for field in (hindbrain.phase, hindbrain.pitch, hindbrain.core, hindbrain.stem):
        assert field.shape == hindbrain.cerebellum.shape
        assert field.dtype == np.float32
        assert np.isfinite(field).all()
    assert tuple(s.start for s in hindbrain.box) == hindbrain.corner


def test_cerebellum_is_mostly_grey(hindbrain: Hindbrain) -> None:
    inside, fluid, white = cover_cerebellum(
        hindbrain.cerebellum, hindbrain.phase, hindbrain.pitch, hindbrain.core, SPACING
    )
    share = white.sum() / inside.sum()
    assert 0.1 < share < 0.5
    assert 0.01 < fluid.sum() / inside.sum() < 0.2


def test_folia_differ_between_subjects() -> None:
    phases = []
    for number in (0, 1):
        subject = draw_brain(1, number)
        phases.append(build_hindbrain(subject, build_space(draw_brain(1, 0))).phase)
    assert np.abs(phases[0] - phases[1]).mean() > 0.1

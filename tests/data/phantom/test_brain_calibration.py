"""The solver of volumes."""

from dataclasses import replace

import pytest

from hagan.data.phantom.brain_calibration import solve_brain
from hagan.data.phantom.brain_cohort import at_age, draw_brain
from hagan.data.phantom.rendered import CalibrationError


@pytest.mark.slow
def test_older_brains_get_wider_sulci() -> None:
    subject = draw_brain(1, 0)
    young = solve_brain(at_age(subject, 30.0), 32)
    old = solve_brain(at_age(subject, 75.0), 32)
    assert old.widths.half_width > young.widths.half_width + 0.1
    assert old.widths.scale == pytest.approx(young.widths.scale, rel=0.005)


@pytest.mark.slow
def test_more_grey_matter_means_deeper_sulci() -> None:
    subject = draw_brain(1, 0)
    more = replace(subject, gm_ml=subject.gm_ml * 1.06)
    assert solve_brain(more, 32).widths.deeper > solve_brain(subject, 32).widths.deeper


def test_scale_gives_way_where_sulci_cannot_meet_the_brain() -> None:
    subject = draw_brain(1, 0)
    tight = replace(subject, brain_ml=subject.icv_ml * 0.99)
    brain = solve_brain(tight, 32)
    assert brain.icv_ml > subject.icv_ml * 1.005


def test_an_impossible_target_is_refused_by_name() -> None:
    subject = replace(draw_brain(1, 0), ventricles_ml=900.0)
    with pytest.raises(CalibrationError, match="ventricles of 900"):
        solve_brain(subject, 32)

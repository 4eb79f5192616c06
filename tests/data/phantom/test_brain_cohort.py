"""Factors of the brain cohort: reproducible, all different, following the fitted regressions."""

from dataclasses import astuple, replace
from math import exp

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import BrainSubject, at_age, draw_brain


@pytest.fixture(scope="module")
def cohort() -> list[BrainSubject]:
    return [draw_brain(3, subject) for subject in range(1500)]


def test_same_number_same_factors_other_number_other_factors() -> None:
    assert draw_brain(1, 5) == draw_brain(1, 5)
    assert draw_brain(1, 5).icv_ml != draw_brain(1, 6).icv_ml
    assert draw_brain(1, 5).icv_ml != draw_brain(2, 5).icv_ml


def test_no_two_alike(cohort: list[BrainSubject]) -> None:
    assert len({astuple(replace(s, subject=0)) for s in cohort}) == len(cohort)


def test_ages(cohort: list[BrainSubject]) -> None:
    ages = np.array([s.age for s in cohort])
    assert 20 <= ages.min() < 22
    assert 78 < ages.max() <= 80
    young = np.array([draw_brain(3, i, young=True).age for i in range(200)])
    assert young.min() >= 18
    assert young.max() <= 35


def test_young_cohort_shares_the_anatomy_streams() -> None:
    assert draw_brain(3, 1, young=True).axis_ratios is not None
    assert draw_brain(3, 1, young=True).rotation_degrees == draw_brain(3, 1).rotation_degrees


def test_volumes_follow_the_regressions(cohort: list[BrainSubject]) -> None:
    age, icv, brain, grey, ventricles, hippocampi = np.array(
        [(s.age, s.icv_ml, s.brain_ml, s.gm_ml, s.ventricles_ml, s.hippocampi_ml) for s in cohort]
    ).T
    a = (age - 50) / 10
    assert np.mean(brain / icv - (0.9155 - 0.0122 * a - 0.0024 * a**2)) == pytest.approx(
        0, abs=0.01
    )
    assert grey.mean() == pytest.approx(716, rel=0.04)
    assert hippocampi.mean() == pytest.approx(7.8, rel=0.04)
    slope = np.polyfit(a, np.log(ventricles), 2)
    assert slope[1] == pytest.approx(0.2157, abs=0.04)
    assert slope[0] == pytest.approx(0.0412, abs=0.03)


def test_residuals_are_correlated_as_measured(cohort: list[BrainSubject]) -> None:
    age, male, icv = np.array([(s.age, s.male, s.icv_ml) for s in cohort]).T
    a = (age - 50) / 10
    design = np.stack([np.ones_like(a), a, a * a, male, icv], axis=1)
    logs = np.log([(s.brain_ml, s.gm_ml, s.ventricles_ml) for s in cohort])
    rest = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    found = np.corrcoef(rest.T)
    assert found[0, 1] == pytest.approx(0.65, abs=0.06)
    assert found[1, 2] == pytest.approx(-0.42, abs=0.07)
    assert found[0, 2] == pytest.approx(-0.20, abs=0.08)


def test_ageing_ten_years_multiplies_the_ventricles_as_fitted() -> None:
    young = replace(draw_brain(3, 0), age=50.0)
    old = at_age(young, 60.0)
    assert old.ventricles_ml / young.ventricles_ml == pytest.approx(exp(0.2157 + 0.0412))
    assert old.brain_ml < young.brain_ml
    assert old.sulcal_half_width_mm == pytest.approx(young.sulcal_half_width_mm + 0.12)
    assert old.thickness_mm < young.thickness_mm
    assert at_age(old, 50.0).ventricles_ml == pytest.approx(young.ventricles_ml)
    assert old.icv_ml == young.icv_ml


def test_heads_fit_the_field_of_view(cohort: list[BrainSubject]) -> None:
    for subject in cohort:
        assert subject.axis_ratios[1] * (subject.icv_ml / 1450) ** (1 / 3) <= 1.0751
        assert np.prod(subject.axis_ratios) == pytest.approx(1, abs=1e-6)
        assert max(abs(v) for v in subject.rotation_degrees) <= 5

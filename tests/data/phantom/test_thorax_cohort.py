from dataclasses import astuple, replace

import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax, total_lung_capacity
from hagan.data.phantom.thorax_disease import draw_disease


def test_a_subject_is_decided_by_its_numbers():
    assert draw_thorax(4, 7) == draw_thorax(4, 7)
    assert draw_thorax(4, 7) != draw_thorax(5, 7)
    disease = draw_disease(4, [7])
    assert draw_thorax(4, 7).laa == disease.laa[0]
    assert draw_thorax(4, 7).gold == disease.gold[0]


def test_no_two_subjects_share_their_factors():
    rows = {astuple(draw_thorax(0, number))[2:] for number in range(500)}
    assert len(rows) == 500


def test_build_is_plausible_and_independent_of_the_disease():
    people = [draw_thorax(0, number) for number in range(600)]
    age = np.array([p.age for p in people])
    volume = np.array([p.lung_volume for p in people])
    laa = np.log([p.laa for p in people])
    assert age.mean() == pytest.approx(60, abs=1.2)
    assert 45 <= age.min() < age.max() <= 81
    assert 2.8 <= volume.min() < volume.max() <= 8.2
    assert 0.42 < np.mean([p.sex == "F" for p in people]) < 0.54
    for factor in ("bone", "fat", "heart", "aorta", "noise_hu", "parenchyma_hu", "depth"):
        values = [getattr(p, factor) for p in people]
        assert abs(np.corrcoef(values, laa)[0, 1]) < 0.13, factor
    assert np.corrcoef([p.hyperinflation for p in people], laa)[0, 1] > 0.5


def test_total_lung_capacity_follows_the_published_equation():
    assert total_lung_capacity("M", 60, 175) == pytest.approx(7.1, abs=0.1)
    assert total_lung_capacity("F", 60, 163) == pytest.approx(5.3, abs=0.1)


def test_the_airway_axis_thickens_walls():
    subject = draw_thorax(0, 0)
    thick = replace(subject, airway=1.0).wall_area
    assert thick - replace(subject, airway=0.0).wall_area == pytest.approx(0.035)

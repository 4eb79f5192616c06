import numpy as np
import pytest

from hagan.data.phantom.thorax_disease import (
    GOLD_SHARES,
    LAA_LIMITS,
    ceilings,
    disease_from,
    draw_disease,
)


@pytest.fixture(scope="module")
def many():
    return draw_disease(0, range(5000))


def test_class_shares_are_within_three_standard_errors(many):
    shares = np.bincount(many.gold, minlength=5) / 5000
    error = np.sqrt(np.array(GOLD_SHARES) * (1 - np.array(GOLD_SHARES)) / 5000)
    assert (np.abs(shares - GOLD_SHARES) < 3 * error).all()


def test_lung_function_agrees_with_the_stage(many):
    obstructed = many.ratio < 0.70
    np.testing.assert_array_equal(obstructed, many.gold > 0)
    stage = np.digitize(-many.fev1pp, [-80, -50, -30]) + 1
    np.testing.assert_array_equal(np.where(obstructed, stage, 0), many.gold)
    assert (many.fev1pp[many.gold == 0] >= 80).all()
    assert (many.laa >= LAA_LIMITS[0]).all()
    assert (many.laa <= LAA_LIMITS[1]).all()


def test_ceilings_sit_where_they_were_designed():
    rng = np.random.default_rng(0)
    found = ceilings(disease_from(rng.random(100_000), rng.standard_normal((100_000, 5))))
    assert found["r_log_laa_log_fev1pp"] == pytest.approx(-0.70, abs=0.03)
    assert found["r_log_laa_log_ratio"] == pytest.approx(-0.77, abs=0.03)
    assert found["r2_log_fev1pp"] == pytest.approx(0.60, abs=0.03)
    assert found["r2_log_ratio"] == pytest.approx(0.69, abs=0.03)


def test_subjects_do_not_depend_on_their_company(many):
    alone = draw_disease(0, [17])
    assert alone.fev1pp[0] == many.fev1pp[17]
    assert alone.hyperinflation[0] == many.hyperinflation[17]
    assert draw_disease(1, [17]).fev1pp[0] != many.fev1pp[17]

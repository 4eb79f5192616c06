"""Tests against scipy, the paper's tables, and values that do not vary."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hagan.errors import BadInputError
from hagan.evaluation.significance import (
    Better,
    Summary,
    against_baselines,
    cohens_d,
    hedges_g,
    holm,
    paired,
    student,
    summaries_against_baselines,
    summarise,
    welch,
)

# Mean and deviation over five folds at 256 voxels: FID, MMD, Inception Score.
COPDGENE = {
    "WGAN": ((0.161, 0.044), (0.471, 0.110), (1.97, 0.05)),
    "VAE-GAN": ((0.328, 0.007), (1.028, 0.008), (1.18, 0.03)),
    "alpha-GAN": ((0.043, 0.094), (0.323, 0.080), (1.96, 0.03)),
    "Progressive GAN": ((0.107, 0.037), (0.287, 0.123), (1.76, 0.11)),
    "StyleGAN 2": ((0.081, 0.003), (0.225, 0.008), (2.06, 0.01)),
    "CCE-GAN": ((0.074, 0.038), (0.252, 0.116), (1.95, 0.04)),
    "HA-GAN": ((0.008, 0.003), (0.022, 0.010), (2.09, 0.06)),
}
GSP = {
    "WGAN": ((0.025, 0.013), (0.328, 0.139), (1.43, 0.03)),
    "VAE-GAN": ((0.635, 0.040), (0.702, 0.028), (1.06, 0.06)),
    "alpha-GAN": ((0.029, 0.016), (0.428, 0.141), (1.34, 0.08)),
    "Progressive GAN": ((0.127, 0.055), (1.041, 0.239), (1.25, 0.10)),
    "StyleGAN 2": ((0.048, 0.001), (0.370, 0.020), (1.32, 0.01)),
    "CCE-GAN": ((0.030, 0.011), (0.411, 0.106), (1.41, 0.04)),
    "HA-GAN": ((0.004, 0.001), (0.086, 0.029), (1.50, 0.03)),
}
METRICS: tuple[tuple[str, Better], ...] = (("FID", "lower"), ("MMD", "lower"), ("IS", "higher"))


def scores(seed: int, mean: float, folds: int = 5) -> list[float]:
    return [float(v) for v in np.random.default_rng(seed).normal(mean, 0.1, folds)]


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_equal_those_of_scipy(better: Better) -> None:
    ours, theirs = scores(0, 1.0), scores(1, 1.1)
    alternative = {"lower": "less", "higher": "greater"}[better]
    sign = {"lower": -1.0, "higher": 1.0}[better]
    summaries = summarise(ours), summarise(theirs)
    pairs = [
        (student(*summaries, better), stats.ttest_ind(ours, theirs, alternative=alternative)),
        (
            welch(*summaries, better),
            stats.ttest_ind(ours, theirs, equal_var=False, alternative=alternative),
        ),
        (paired(ours, theirs, better), stats.ttest_rel(ours, theirs, alternative=alternative)),
    ]
    for test, expected in pairs:
        assert test.t == pytest.approx(sign * expected.statistic)
        assert test.p == pytest.approx(expected.pvalue)
        assert test.degrees == pytest.approx(expected.df)


def test_folds_may_differ_in_number() -> None:
    ours, theirs = scores(2, 1.0, 4), scores(3, 1.3, 7)
    (found,) = against_baselines(ours, {"other": theirs}, "lower")
    expected = stats.ttest_ind(ours, theirs, equal_var=False, alternative="less")
    assert (found.welch.p, found.welch.degrees) == pytest.approx((expected.pvalue, expected.df))
    assert found.student.p == pytest.approx(
        stats.ttest_ind(ours, theirs, alternative="less").pvalue
    )
    assert (found.paired, found.paired_holm) == (None, None)
    with pytest.raises(BadInputError, match="got 4 and 7"):
        paired(ours, theirs, "lower")


def not_significant(table: dict[str, tuple[tuple[float, float], ...]]) -> dict[str, float]:
    """Comparisons of the paper's plain test at 0.05 that do not hold, with their p."""
    found = {}
    for column, (metric, better) in enumerate(METRICS):
        rows = {name: Summary(*cells[column], folds=5) for name, cells in table.items()}
        ours = rows.pop("HA-GAN")
        for row in summaries_against_baselines(ours, rows, better):
            if not row.student.p < 0.05:
                found[f"{metric} {row.baseline}"] = row.student.p
    return found


def test_two_of_the_papers_comparisons_do_not_follow_from_its_tables() -> None:
    found = not_significant(COPDGENE)
    assert found == pytest.approx({"FID alpha-GAN": 0.21, "IS StyleGAN 2": 0.15}, abs=0.006)
    assert not_significant(GSP) == {}


def test_holm_equals_its_steps_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_leaves_out_what_could_not_be_tested() -> None:
    found = holm([0.02, math.nan, 0.04])
    assert found[::2] == pytest.approx([0.04, 0.04])
    assert math.isnan(found[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_holm_rejects_what_stepping_down_rejects(values: list[float], level: float) -> None:
    rejected = set()
    order = sorted(range(len(values)), key=values.__getitem__)
    for place, index in enumerate(order):
        if values[index] * (len(values) - place) > level:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm(values)) if p <= level} == rejected


def test_effect_sizes_are_in_deviations_and_positive_where_ours_is_better() -> None:
    ours, theirs = Summary(1.0, 0.2, 5), Summary(1.3, 0.2, 5)
    assert cohens_d(ours, theirs, "lower") == pytest.approx(1.5)
    assert cohens_d(ours, theirs, "higher") == pytest.approx(-1.5)
    # The usual approximation of the factor is 1 - 3 / (4 (n + m) - 9).
    assert hedges_g(ours, theirs, "lower") == pytest.approx(1.5 * (1 - 3 / 31), rel=2e-3)


def test_hedges_g_has_no_bias() -> None:
    rng = np.random.default_rng(4)
    draws = rng.normal(size=(20000, 2, 4))
    draws[:, 1] += 1.0
    summaries = [[Summary(r.mean(), r.std(ddof=1), 4) for r in draw] for draw in draws[:4000]]
    g = np.mean([hedges_g(a, b, "lower") for a, b in summaries])
    d = np.mean([cohens_d(a, b, "lower") for a, b in summaries])
    assert g == pytest.approx(1.0, abs=0.05)
    assert d > 1.1


def test_comparing_corrects_for_the_number_of_baselines() -> None:
    baselines = {"near": scores(5, 1.02), "far": scores(6, 2.0), "middle": scores(7, 1.15)}
    found = {row.baseline: row for row in against_baselines(scores(8, 1.0), baselines, "lower")}
    assert list(found) == list(baselines)
    assert [row.student_holm for row in found.values()] == holm(
        [row.student.p for row in found.values()]
    )
    assert found["far"].welch_holm == pytest.approx(3 * found["far"].welch.p)
    assert found["far"].paired_holm == pytest.approx(3 * found["far"].paired.p)  # type: ignore[union-attr]
    assert found["middle"].student_holm > found["middle"].student.p
    assert found["near"].ours == summarise(scores(8, 1.0))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
@pytest.mark.parametrize("folds", [3, 5])
def test_values_that_do_not_vary_give_no_test(value: float, folds: int) -> None:
    """0.1 three times has a deviation of 1e-17 in floating point, which would be certainty."""
    same, other = [value] * folds, [value + 1.0] * folds
    (row,) = against_baselines(same, {"other": other}, "lower")
    assert row.paired is not None
    for test in (row.student, row.welch, row.paired):
        assert math.isnan(test.t)
        assert math.isnan(test.p)
    assert all(math.isnan(v) for v in (row.cohens_d, row.hedges_g, row.student_holm))
    assert row.ours.sd == 0.0


def test_one_side_that_varies_is_enough_but_for_pairs_with_a_constant_difference() -> None:
    varying = scores(9, 1.0)
    (row,) = against_baselines([0.5] * 5, {"other": varying}, "lower")
    assert row.student.p < 0.01
    assert row.welch.degrees == pytest.approx(4.0)
    shifted = paired(varying, [v + 0.1 for v in varying], "lower")
    assert math.isnan(shifted.p)


def test_too_few_folds_and_missing_scores_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"1 fold\(s\).*at least two"):
        summarise([1.0])
    with pytest.raises(BadInputError, match="fold 1 has no finite score"):
        against_baselines([1.0, math.nan], {"other": [1.0, 2.0]}, "lower")


def test_summary_is_the_sample_deviation() -> None:
    assert astuple(summarise([1.0, 2.0, 4.0])) == pytest.approx((7 / 3, math.sqrt(7 / 3), 3))

"""The paper's figures: read rightly, they give the tests that the paper speaks of, less two."""

from __future__ import annotations

from typing import Literal

from scipy import stats

from hagan.evaluation.significance import summaries_against_baselines
from hagan.experiments.published import ABLATION, FOLDS, SYNTHESIS, beside, summary


def p_values(kind: str, metric: str) -> dict[str, float]:
    scores = {model: own[metric] for model, own in SYNTHESIS[kind][256].items()}
    ours = summary(scores.pop("hagan"))
    better: Literal["lower", "higher"] = "higher" if metric == "inception_score" else "lower"
    rivals = {model: summary(score) for model, score in scores.items()}
    return {t.baseline: t.student.p for t in summaries_against_baselines(ours, rivals, better)}


def test_all_but_two_differences_at_256_are_significant_as_the_paper_says() -> None:
    weak = {
        (kind, metric, model): round(p, 2)
        for kind in SYNTHESIS
        for metric in ("fid", "mmd", "inception_score")
        for model, p in p_values(kind, metric).items()
        if p >= 0.05
    }
    assert weak == {
        ("thorax", "fid", "alpha-gan"): 0.21,
        ("thorax", "inception_score", "style-gan"): 0.15,
    }


def test_p_is_that_of_scipy() -> None:
    ours, theirs = SYNTHESIS["brain"][256]["hagan"]["fid"], SYNTHESIS["brain"][256]["wgan"]["fid"]
    expected = stats.ttest_ind_from_stats(*ours, FOLDS, *theirs, FOLDS, alternative="less").pvalue
    assert abs(p_values("brain", "fid")["wgan"] - expected) < 1e-12


def test_the_whole_model_of_the_ablation_is_that_of_the_tables() -> None:
    for kind, by_side in ABLATION.items():
        rows = by_side[256]
        for metric in ("fid", "mmd"):
            assert rows["whole"][metric] == SYNTHESIS[kind][256]["hagan"][metric]
            assert all(row[metric] >= rows["whole"][metric] for row in rows.values())


def test_figures_stand_beside_ours_at_the_nearest_side() -> None:
    assert beside(SYNTHESIS, "thorax", 32).side == 128
    assert beside(SYNTHESIS, "brain", 256).scores == SYNTHESIS["brain"][256]
    assert beside(ABLATION, "thorax", 32).side == 256
    assert beside(SYNTHESIS, "knee", 32).side is None

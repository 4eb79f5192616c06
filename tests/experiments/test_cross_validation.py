"""Tables, tests and sentences of figures that are known."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from hagan.experiments.cohort import Cohort
from hagan.experiments.cross_validation import (
    Contender,
    Entry,
    compared,
    failures,
    rows_of,
    scores_of,
    t_tests_of,
)
from hagan.experiments.jobs import Ended, Job
from hagan.experiments.judging import Judgement
from hagan.experiments.published import Beside

NONE = Beside(None, {})
COHORT = Cohort("thorax", is_phantom=True, stores={})


def rows(values: Mapping[str, Sequence[float]], metric: str = "fid") -> list[dict[str, Any]]:
    return [
        {
            "cohort": "thorax",
            "model": name,
            "fold": fold,
            "extractor": "features",
            "scores": {metric: value},
            "floors": {metric: 1.0 + fold},
        }
        for name, own in values.items()
        for fold, value in enumerate(own)
    ]


def test_means_deviations_and_floor_are_in_the_table() -> None:
    values = np.random.default_rng().uniform(1.0, 9.0, (2, 4))
    given = {"ours": values[0].tolist(), "rival": values[1].tolist()}
    published = Beside(256, {"rival": {"fid": (0.5, 0.25)}})
    (means, *_), _ = compared(COHORT, rows(given), ("fid", "mmd"), published)
    assert means.title == "thorax phantoms, features of features"
    assert means.header == ("", "folds", "Frechet distance", "paper at 256")
    for line, own, paper in zip(means.body, given.values(), ("", "0.5 ± 0.25"), strict=False):
        mean, spread = statistics.mean(own), statistics.stdev(own)
        assert line[1:] == ("4", f"{mean:.3g} ± {spread:.2g}", paper)
    assert means.body[-1] == ("floor: training scans", "", "2.5 ± 1.3", "")


def test_tests_are_one_tailed_over_the_folds_that_all_have() -> None:
    values = np.random.default_rng().normal(5.0, 1.0, (2, 5))
    given = {"ours": values[0].tolist(), "rival": values[1].tolist()}
    missing = [row for row in rows(given) if (row["model"], row["fold"]) != ("rival", 3)]
    (found,) = t_tests_of(scores_of(missing, "features", ("fid",)))["fid"]
    kept = [0, 1, 2, 4]
    ours, theirs = values[0][kept], values[1][kept]
    expected = stats.ttest_ind(ours, theirs, alternative="less").pvalue
    assert abs(found.student.p - expected) < 1e-12
    assert found.paired is not None
    expected = stats.ttest_rel(ours, theirs, alternative="less").pvalue
    assert abs(found.paired.p - expected) < 1e-12


def test_more_is_better_for_the_inception_score() -> None:
    given = {"ours": [3.0, 3.1, 2.9], "rival": [1.0, 1.1, 0.9]}
    _, said = compared(
        COHORT, rows(given, "inception_score"), ("inception_score",), Beside(None, {})
    )
    assert "ours is number 1 of 2; better than rival at p < 0.05" in said[0]


def test_a_loss_is_said() -> None:
    _, said = compared(
        COHORT, rows({"ours": [3.0, 3.1], "rival": [1.0, 1.1]}), ("fid",), Beside(None, {})
    )
    assert "ours is number 2 of 2, rival is best; against none" in said[0]
    assert said[-1] == "These are figures of phantoms: no evidence about patients."


def test_one_fold_has_no_deviation_and_no_test() -> None:
    (means, *tests), said = compared(
        COHORT, rows({"ours": [3.0], "rival": [1.0]}), ("fid",), Beside(None, {})
    )
    assert means.body[0] == ("ours", "1", "3")
    assert means.header == ("", "folds", "Frechet distance")
    assert tests == []
    assert "one fold allows no test" in said[0]


def test_an_entry_that_failed_is_a_line_and_no_row(tmp_path: Path) -> None:
    judged = Judgement((Job(name="evaluate/a", command=()),), tmp_path, tmp_path)
    ended = Ended("failed", "hagan: the disk is full")
    entry = Entry(COHORT, Contender("wgan", "wgan-tiny-32"), 1, judged, ended)
    assert rows_of(entry, 32) == []
    (table,) = failures([entry])
    assert table.body == (("thorax", "wgan", "1", "failed", "hagan: the disk is full"),)
    assert failures([]) == []


def test_only_a_changed_recipe_has_a_run_of_its_own() -> None:
    assert Contender("whole", "hagan-tiny-32").variant == ""
    assert Contender("last weights", "hagan-tiny-32", ("a=1",)).variant == "last-weights"

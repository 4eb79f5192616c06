"""Table V as tables and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scipy import stats

from hagan.experiments.augmentation_tables import (
    augmentation_curve,
    augmentation_reading,
    augmentation_tables,
)
from hagan.experiments.cohort import phantoms


def row(name: str, model: str | None, share: float, accuracies: list[float]) -> dict[str, Any]:
    by_seed = [
        {
            "accuracy": value,
            "macro_f1": value / 2,
            "within_one": 0.9,
            "majority": 0.5,
            "confusion": [[3, 1], [2, 4]],
            "trained_on": 80,
            "held_out": 10,
        }
        for value in accuracies
    ]
    return {
        "cohort": "thorax",
        "is_phantom": True,
        "set": name,
        "model": model,
        "share": share,
        "classes": ["0", "1"],
        "by_seed": by_seed,
    }


REAL = [0.60, 0.64, 0.62]
OURS = [0.66, 0.69, 0.71]


def rows(ours: list[float] = OURS) -> list[dict[str, Any]]:
    return [
        row("real", None, 0.0, REAL),
        row("real, repeated", None, 0.2, [0.61, 0.62, 0.63]),
        row("real + hagan", "hagan", 0.2, ours),
        row("real + hagan, 40%", "hagan", 0.4, ours),
    ]


def test_figures_stand_beside_the_papers_with_their_spread(tmp_path: Path) -> None:
    cohort = phantoms("thorax", tmp_path, (32,), 10, 0)
    table, *confusions = augmentation_tables(cohort, rows())
    body = {line[0]: line for line in table.body}
    assert body["real"][2:5] == ("0.620 ± 0.020", "0.597", "")
    assert body["real + hagan"][2:5] == ("0.687 ± 0.025", "0.629", "0.067 ± 0.021")
    assert body["real + hagan, 40%"][3] == ""
    assert body["floor: the usual class"][2] == "0.5"
    assert [one.title for one in confusions] == [
        "Confusion, trained on real",
        "Confusion, trained on real + hagan",
    ]
    assert confusions[0].body == (("0", "9", "3"), ("1", "6", "12"))


def test_a_gain_is_weighed_against_the_spread() -> None:
    told = augmentation_reading(rows(), ("hagan",))[0]
    expected = stats.ttest_rel(OURS, REAL, alternative="greater").pvalue
    assert "is larger than the spread of seeds (0.020" in told
    assert f"p {expected:.2g}" in told
    assert "not significant" not in told
    weak = augmentation_reading(rows([0.61, 0.63, 0.64]), ("hagan",))[0]
    assert "is not larger than the spread" in weak
    assert "not significant" in weak


def test_a_classifier_that_learned_nothing_says_so() -> None:
    poor = rows()
    poor[0] = row("real", None, 0.0, [0.5, 0.5, 0.52])
    assert any(
        "no better than naming the usual class" in s for s in augmentation_reading(poor, ("hagan",))
    )


def test_the_curve_is_a_picture() -> None:
    assert augmentation_curve(rows(), "hagan").startswith(b"\x89PNG")


def test_models_without_rows_are_left_out() -> None:
    told = augmentation_reading(rows()[:2], ("hagan", "alpha-gan"))
    assert not any("alpha-gan" in sentence for sentence in told)

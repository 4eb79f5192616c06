"""Folds: means and tests of figures that mean the same, and of no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hagan.errors import BadInputError, UsageError
from hagan.evaluation.folds import compare_folds, read_fold

OURS, THEIRS = (1.0, 1.2, 0.9, 1.1, 1.05), (1.5, 1.4, 1.8, 1.6, 1.3)


def write(folder: Path, value: float, **facts: Any) -> Path:
    """What `hagan evaluate` leaves, as far as folds look at it."""
    folder.mkdir(parents=True)
    whole = {
        "metric": "fid",
        "extractor.weights_sha256": "aa",
        "set_fake": str(folder),
        "n_fake": 20,
        "n_real": 20,
        **facts,
    }
    sets = [
        {"kind": "fake", "scores": {"net": {"fid": {"value": value, "fingerprint": "f"}}}},
        {"kind": "floor", "scores": {}},
    ]
    text = json.dumps({"sets": sets, "fingerprints": {"f": whole}})
    (folder / "results.json").write_text(text)
    return folder


def methods(root: Path, **facts: Any) -> dict[str, list[Path]]:
    return {
        "ours": [write(root / f"ours{i}", value) for i, value in enumerate(OURS)],
        "rival": [write(root / f"rival{i}", value, **facts) for i, value in enumerate(THEIRS)],
    }


def test_means_and_tests_are_scipys(tmp_path: Path) -> None:
    (table,) = compare_folds(methods(tmp_path), ["fid"])
    assert table.heading == "net"
    assert table.summaries["ours"].mean == pytest.approx(np.mean(OURS))
    assert table.summaries["rival"].sd == pytest.approx(np.std(THEIRS, ddof=1))
    (test,) = table.tests
    assert test.baseline == "rival"
    expected = stats.ttest_ind(OURS, THEIRS, alternative="less")
    assert test.student.p == pytest.approx(expected.pvalue)
    paired = stats.ttest_rel(OURS, THEIRS, alternative="less")
    assert test.paired is not None
    assert test.paired.p == pytest.approx(paired.pvalue)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"extractor.weights_sha256": "bb"}, r"extractor.weights_sha256 is aa in .* and bb in"),
        ({"window": "0 to 1"}, "window is None in"),
        ({"n_fake": 10}, "10 against 20 and 20 against 20 volumes; give each the same --count"),
    ],
)
def test_other_definitions_are_not_comparable(
    facts: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=f"not comparable: .*{said}"):
        compare_folds(methods(tmp_path, **facts), ["fid"])


def test_a_bandwidth_of_its_own_set_is_no_other_definition(tmp_path: Path) -> None:
    (table,) = compare_folds(methods(tmp_path, **{"metric.bandwidth": 3.5}), ["fid"])
    assert len(table.tests) == 1


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    given = methods(tmp_path)
    with pytest.raises(UsageError, match="no test for 'sharpness'"):
        compare_folds(given, ["sharpness"])
    with pytest.raises(BadInputError, match="ours0 has no kid"):
        compare_folds(given, ["kid"])
    with pytest.raises(UsageError, match="two methods"):
        compare_folds({"ours": given["ours"]}, ["fid"])
    with pytest.raises(BadInputError, match="does not exist"):
        read_fold(tmp_path / "absent")
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(BadInputError, match="not the results of hagan evaluate"):
        read_fold(tmp_path / "other.json")


def test_an_evaluation_of_several_sets_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 1.0)
    content = json.loads((folder / "results.json").read_text())
    content["sets"].append(content["sets"][0])
    (folder / "results.json").write_text(json.dumps(content))
    with pytest.raises(BadInputError, match="judges 2 sets"):
        read_fold(folder)

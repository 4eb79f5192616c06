"""Tables: the best is marked, JSON holds every definition, CSV a line a figure."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from evaluation.made import instruments, sides
from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.comparison import Comparison, compare
from hagan.evaluation.tables import (
    common_facts,
    counts,
    csv_text,
    fingerprints,
    json_text,
    markdown,
    own_facts,
    short,
    tables_of,
)

pytestmark = pytest.mark.slow  # comparisons of whole sets

COMMAND = "hagan evaluate model --real real"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    facts = {"resampling": "none", "window": "-1 to 1"}
    return compare(sides(), instruments(), EvaluationConfig(resamples=10, pairs=3), facts)


def test_the_best_of_each_row_is_marked_and_real_volumes_are_not_in_the_race(
    comparison: Comparison,
) -> None:
    features, voxels = tables_of(comparison)
    assert features.columns == tuple(row.name for row in comparison.rows)
    by_metric = {line.metric: line for line in (*features.lines, *voxels.lines)}
    for metric, lowest in (("fid", True), ("coverage", False)):
        values = [row.scores["random-resnet10"][metric].value for row in comparison.rows]
        racing = [
            value
            for row, value in zip(comparison.rows, values, strict=True)
            if row.kind in ("fake", "anchor")
        ]
        best = min(racing) if lowest else max(racing)
        marked = [
            v for v, cell in zip(values, by_metric[metric].cells, strict=True) if cell.is_best
        ]
        assert set(marked) == {best}
    assert not by_metric["fid"].cells[1].is_best
    assert not any(cell.is_best for cell in by_metric["ms_ssim"].cells), "no judgement by itself"
    sharp = by_metric["sharpness"].cells
    assert not sharp[5].is_best, "blurred copies are the farthest from 1"


def test_json_is_whole_and_every_fingerprint_is_spelled_out(comparison: Comparison) -> None:
    content = json.loads(json_text(comparison, COMMAND))
    assert content["command"] == COMMAND
    fid = content["sets"][0]["scores"]["random-resnet10"]["fid"]
    assert set(fid) >= {"value", "interval", "floor", "n_fake", "n_real", "fingerprint"}
    used = {
        score["fingerprint"]
        for item in content["sets"]
        for scores in item["scores"].values()
        for score in scores.values()
    }
    assert used == set(content["fingerprints"])
    facts = content["fingerprints"][fid["fingerprint"]]
    for name in ("extractor.weights_sha256", "extractor.normalisation", "resampling", "n_fake"):
        assert name in facts
    assert content["sets"][0]["unavailable"]["random-resnet10"]["fid_infinity"].startswith("n = 8")


def test_csv_has_a_line_a_figure(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(csv_text(comparison))))
    (fid,) = [
        line
        for line in lines
        if (line["set"], line["extractor"], line["metric"]) == ("model", "random-resnet10", "fid")
    ]
    score = comparison.rows[0].scores["random-resnet10"]["fid"]
    assert float(fid["value"]) == score.value
    assert float(fid["floor"]) == score.floor
    assert any(line["reason"] for line in lines if line["metric"] == "inception_score")


def test_markdown_tells_figures_warnings_and_definitions(comparison: Comparison) -> None:
    text = markdown(comparison, COMMAND)
    assert "8 volumes a set against 10 real ones" in text
    assert "| Frechet distance ↓ |" in text
    assert "> n = 8" in text
    assert comparison.rows[0].scores["random-resnet10"]["fid"].fingerprint.id in text
    assert "Inception Score: unavailable" in text


def test_common_facts_are_told_once(comparison: Comparison) -> None:
    common = dict(common_facts(comparison))
    assert common["resampling"] == "none"
    assert "metric" not in common
    for fingerprint, _, metric, own in own_facts(comparison):
        assert fingerprint.facts["metric"] == metric
        assert "resampling" not in own
    assert len(fingerprints(comparison)) > len(own_facts(comparison))


def test_unequal_counts_are_both_told(comparison: Comparison) -> None:
    first, *rest = comparison.rows
    fewer = replace(first, measured=first.measured.rows(range(5)))
    assert counts(replace(comparison, rows=(fewer, *rest))).startswith("5 or 8 volumes")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.12345, "0.123"), (1.5e-5, "1.50e-05"), (1234.5, "1234"), (-2.5, "-2.5")],
)
def test_numbers_have_the_digits_they_deserve(value: float, text: str) -> None:
    assert short(value) == text

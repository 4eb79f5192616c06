"""The report: one file with samples, tables, definitions and the command."""

from __future__ import annotations

import re

import pytest

from evaluation.made import instruments, sides
from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.comparison import compare
from hagan.evaluation.figures import sample_grid
from hagan.evaluation.page import comparison_page


@pytest.mark.slow
def test_the_page_tells_everything_and_loads_nothing() -> None:
    given = sides()
    facts = {"resampling": "none", "window": "-1 to 1"}
    found = compare(given, instruments(), EvaluationConfig(resamples=10, pairs=3), facts)
    samples = sample_grid([given.real, *given.fakes])
    command = "hagan evaluate model --real 'a <b>'"
    html = comparison_page(found, command, {"Distances.": samples}, samples).html()
    assert "hagan evaluate model --real &#x27;a &lt;b&gt;&#x27;" in html
    score = found.rows[0].scores["random-resnet10"]["fid"]
    assert score.fingerprint.id in html
    for text in ("Frechet distance", "PCA Gaussian", "stitched slabs", "Not fit to lead"):
        assert text in html
    assert html.count('class="number best"') >= 10
    assert html.count("data:image/png;base64,") == 2
    assert not re.search(r"(src|href)=.(?!data:)", html)
    for warning in found.warnings:
        assert warning.split(";")[0] in html

"""Settings of an evaluation: wrong ones are refused, presets are what their authors did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hagan.config.evaluation import PRESETS, EvaluationConfig
from hagan.errors import UsageError


@pytest.mark.parametrize(
    "wrong",
    [
        {"slabs": 1},
        {"components": 1},
        {"neighbours": 0},
        {"resamples": -1},
        {"seed": -1},
        {"count": 1},
        {"squared_offset": -1e-5},
        {"squared_offset": float("nan")},
        {"embedded": 1},
        {"pairs": 0},
    ],
)
def test_settings_without_meaning_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)).replace("_", ".")):
        replace(EvaluationConfig(), **wrong)


def test_presets_carry_their_names() -> None:
    assert {name: preset().preset for name, preset in PRESETS.items()} == {
        name: name for name in PRESETS
    }


def test_ours_compares_equal_counts_and_the_authors_did_not() -> None:
    assert PRESETS["hagan"]().equal_counts
    authors = PRESETS["ha-gan"]()
    assert not authors.equal_counts
    assert authors.squared_offset == 1e-5
    assert authors.ellipse_samples == 300
    assert set(authors.only) == {"fid", "mmd", "mmd_biased", "inception_score"}

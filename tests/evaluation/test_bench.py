"""The bench: what is measured, and which figures a row gets; values are looked at elsewhere."""

from __future__ import annotations

import pytest

from evaluation.made import bodies, instruments
from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.bench import VOLUMES, Bench, has_slabs, measures_of
from hagan.evaluation.measuring import Cache, measure_set
from hagan.evaluation.scores import Score

CONFIG = EvaluationConfig(resamples=5, pairs=2)


def test_seams_are_measured_where_slabs_fit() -> None:
    assert "seams" in measures_of((32, 32, 32), instruments(), CONFIG)
    assert "seams" not in measures_of((16, 32, 32), instruments(), CONFIG)
    assert has_slabs((24, 8, 8), 8)
    assert not has_slabs((20, 8, 8), 8)
    assert not has_slabs((32, 8, 8), 2), "two slabs have no period"


@pytest.mark.slow
def test_only_fakes_and_floor_have_intervals_and_the_floor_no_copies() -> None:
    measures = measures_of((32, 32, 32), instruments(), CONFIG)
    sets = [bodies(name, first, 8) for name, first in (("fake", 0), ("real", 20), ("train", 40))]
    fake, real, train = (measure_set(s, list(measures.values()), Cache(None)) for s in sets)
    bench = Bench(instruments(), measures, real, train, None, {"resampling": "none"}, CONFIG)
    for kind, sure, copies in (
        ("fake", True, True),
        ("floor", True, False),
        ("anchor", False, True),
    ):
        found = list(bench.figures(fake, sets[0], kind))  # type: ignore[arg-type]
        scores = {
            (heading, item.metric): item for heading, item in found if isinstance(item, Score)
        }
        assert (scores["random-resnet10", "fid"].interval is not None) == sure
        assert ((VOLUMES, "memorised") in scores) == copies
        assert (("random-resnet10", "memorised") in scores) == copies
        assert (VOLUMES, "ms_ssim") in scores

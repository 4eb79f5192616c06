"""A figure cannot be had without its definition."""

from __future__ import annotations

import numpy as np
import pytest

from hagan import __version__
from hagan.evaluation.bootstrap import Interval
from hagan.evaluation.measuring import Measured
from hagan.evaluation.scores import METRICS, REQUIRED, Fingerprint, Score, prefixed

FACTS = {
    "metric": "fid",
    "set_fake": "aa",
    "set_real": "bb",
    "n_fake": 8,
    "n_real": 9,
    "resampling": "none",
    "hagan_version": "1",
}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_figure_without_its_definition_is_refused(name: str) -> None:
    with pytest.raises(AssertionError, match=name):
        Fingerprint({key: fact for key, fact in FACTS.items() if key != name})
    with pytest.raises(AssertionError, match=name):
        Fingerprint(FACTS | {name: ""})


@pytest.mark.parametrize("name", REQUIRED)
def test_every_fact_changes_the_fingerprint(name: str) -> None:
    changed = Fingerprint(FACTS | {name: 77})
    assert changed.id != Fingerprint(FACTS).id
    assert len(changed.id) == 12


def test_a_score_is_told_with_interval_floor_and_n() -> None:
    score = Score(
        metric="fid",
        value=2.0,
        n_fake=8,
        n_real=9,
        fingerprint=Fingerprint(FACTS),
        interval=Interval(1.5, 2.5, 0.95, 200),
        floor=1.0,
    )
    plain = score.to_plain()
    assert plain["value"] == 2.0
    assert plain["interval"] == [1.5, 2.5]
    assert (plain["floor"], plain["n_fake"], plain["n_real"]) == (1.0, 8, 9)
    assert plain["fingerprint"] == Fingerprint(FACTS).id


def test_metrics_say_what_is_better() -> None:
    assert METRICS["fid"].better == "lower"
    assert METRICS["coverage"].better == "higher"
    assert METRICS["sharpness"].better == "one"
    assert all(len(metric.meaning) > 10 for metric in METRICS.values())


def test_intervals_stay_where_values_can_be() -> None:
    wide = Interval(-0.5, 1.5, 0.95, 200)
    ends = {}
    for metric in ("fid", "kid", "coverage"):
        score = Score(
            metric=metric,
            value=0.5,
            n_fake=8,
            n_real=9,
            fingerprint=Fingerprint(FACTS),
            interval=wide,
        )
        assert score.interval is not None
        ends[metric] = (score.interval.low, score.interval.high)
    assert ends == {"fid": (0.0, 1.5), "kid": (-0.5, 1.5), "coverage": (0.0, 1.0)}


def measured(*hashes: str) -> Measured:
    return Measured("set", hashes, hashes, {"net": np.zeros((len(hashes), 2))})


def test_a_fingerprint_holds_both_sets_the_seed_and_every_definition() -> None:
    fake, real = measured("a", "b", "c"), measured("d", "e")
    shared = {"resampling": "none"}
    found = Fingerprint.of("fid", fake, real, 7, prefixed("measure", {"version": 2}), shared)
    assert found.facts == {
        "measure.version": 2,
        "resampling": "none",
        "metric": "fid",
        "set_fake": fake.sha256,
        "set_real": real.sha256,
        "n_fake": 3,
        "n_real": 2,
        "seed": 7,
        "hagan_version": __version__,
    }
    others = [
        Fingerprint.of("fid", real, fake, 7, prefixed("measure", {"version": 2}), shared),
        Fingerprint.of("fid", fake, real, 8, prefixed("measure", {"version": 2}), shared),
        Fingerprint.of("fid", fake, real, 7, prefixed("metric", {"version": 2}), shared),
        Fingerprint.of("kid", fake, real, 7, prefixed("measure", {"version": 2}), shared),
        Fingerprint.of("fid", measured("a", "b"), real, 7, {"measure.version": 2}, shared),
    ]
    assert len({item.id for item in (found, *others)}) == 6
    turned = measured("c", "a", "b")
    same = Fingerprint.of("fid", turned, real, 7, {"measure.version": 2}, shared)
    assert same.id == found.id, "a set is the same in any order"


def test_a_definition_cannot_hide_what_was_compared() -> None:
    found = Fingerprint.of(
        "fid", measured("a"), measured("b"), 0, {**FACTS, "n_fake": 999, "metric": "kid"}
    )
    assert (found.facts["n_fake"], found.facts["metric"]) == (1, "fid")

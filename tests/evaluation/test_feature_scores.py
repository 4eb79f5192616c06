"""Figures from features: the metrics' own values, with intervals that hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hagan.config.evaluation import EvaluationConfig, ha_gan
from hagan.evaluation.feature_scores import References, feature_scores
from hagan.evaluation.frechet import frechet_distance
from hagan.evaluation.kid import kid
from hagan.evaluation.measuring import Measured
from hagan.evaluation.mmd import median_distance, mmd
from hagan.evaluation.scores import Score, Unavailable

RNG = np.random.default_rng(0)


def measured(name: str, rows: np.ndarray) -> Measured:
    names = tuple(f"{name}-{i}" for i in range(len(rows)))
    return Measured(name, names, names, {"net": rows})


FAKE = measured("fake", RNG.normal(0.3, 1, (30, 12)))
REAL = measured("real", RNG.normal(size=(24, 12)))
TRAIN = measured("train", RNG.normal(size=(40, 12)))
REFERENCES = References(
    extractor="net",
    definition={"extractor": "net", "weights_sha256": "0"},
    real=REAL,
    train=TRAIN,
    mirrored=measured("mirrored", RNG.normal(size=(40, 12))),
    facts={"resampling": "none", "window": "-1 to 1"},
    config=EvaluationConfig(resamples=30),
)


def scores(fake: Measured, references: References = REFERENCES, **how: bool) -> dict[str, Score]:
    found = feature_scores(fake, references, with_intervals=how.pop("with_intervals", True), **how)
    return {item.metric: item for item in found if isinstance(item, Score)}


def test_values_are_those_of_the_metrics() -> None:
    found = scores(FAKE)
    fake, real = FAKE.values["net"], REAL.values["net"]
    assert found["fid"].value == pytest.approx(frechet_distance(fake, real))
    assert found["kid"].value == pytest.approx(kid(fake, real))
    both = median_distance(fake, real)
    assert found["mmd"].value == pytest.approx(mmd(fake, real, bandwidth=both))
    biased = mmd(fake, real, bandwidth=both, unbiased=False)
    assert found["mmd_biased"].value == pytest.approx(biased)
    fixed = mmd(fake, real, bandwidth=median_distance(real))
    assert found["mmd_real"].value == pytest.approx(fixed)


def test_every_figure_has_n_an_interval_and_a_definition_of_its_own() -> None:
    found = scores(FAKE)
    assert len({score.fingerprint.id for score in found.values()}) == len(found) >= 13
    for score in found.values():
        assert (score.n_fake, score.n_real) == (30, 24)
        facts = score.fingerprint.facts
        assert facts["extractor.weights_sha256"] == "0"
        assert facts["window"] == "-1 to 1"
        assert score.interval is not None
        assert score.interval.low <= score.value <= score.interval.high or score.metric in (
            "precision",
            "recall",
            "coverage",
        )
    assert all(score.interval is None for score in scores(FAKE, with_intervals=False).values())


def test_copies_are_found_and_the_floor_is_not_asked() -> None:
    found = scores(measured("copies", TRAIN.values["net"][:30] + 1e-9))
    assert found["memorised"].value == 1
    assert found["memorised"].details["verdict"] == "block"
    assert found["training_distance"].value < 1e-3
    honest = scores(FAKE)
    assert honest["memorised"].value < 0.5
    assert "memorised" not in scores(TRAIN, is_floor=True)


def test_strangers_of_the_same_kind_do_not_pass_for_copies() -> None:
    # Few held-out rows with many features: in their own components they are outliers, all of them.
    rng = np.random.default_rng(1)
    kinds = rng.normal(size=(40, 300)) * np.arange(40, 0, -1)[:, None]

    def of_the_kind(n: int) -> np.ndarray:
        return rng.normal(size=(n, 40)) @ kinds + rng.normal(size=(n, 300)) * 30

    shares, ratios = [], []
    for _ in range(10):
        references = replace(
            REFERENCES,
            real=measured("real", of_the_kind(40)),
            train=measured("train", of_the_kind(80)),
            mirrored=None,
        )
        found = scores(measured("fresh", of_the_kind(40)), references, with_intervals=False)
        shares.append(found["memorised"].value)
        ratios.append(found["training_distance"].value)
    assert np.mean(shares) == pytest.approx(0.05, abs=0.04)
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_a_collapse_shows_in_the_distances_among_fakes() -> None:
    few = measured("few", np.repeat(REAL.values["net"][:3], 10, axis=0))
    assert scores(few)["self_neighbour"].value == 0
    assert scores(FAKE)["self_neighbour"].value == pytest.approx(1, abs=0.4)


def test_what_cannot_be_given_says_why() -> None:
    tiny = measured("tiny", FAKE.values["net"][:4])
    found = {
        item.metric: item.reason
        for item in feature_scores(tiny, REFERENCES, with_intervals=False)
        if isinstance(item, Unavailable)
    }
    assert "k = 5" in found["coverage"]
    assert "n = 4" in found["fid_infinity"]


def test_held_out_copies_of_training_make_memorisation_unavailable() -> None:
    leaking = replace(REFERENCES, train=measured("train", REAL.values["net"]))
    items = {item.metric: item for item in feature_scores(FAKE, leaking, with_intervals=False)}
    assert isinstance(items["memorised"], Unavailable)
    assert "split by subject" in items["memorised"].reason
    assert isinstance(items["fid"], Score)


def test_the_authors_definitions_change_the_kernel_and_leave_out_the_rest() -> None:
    found = scores(FAKE, replace(REFERENCES, config=ha_gan()), with_intervals=False)
    assert set(found) == {"fid", "mmd", "mmd_biased"}
    fake, real = FAKE.values["net"], REAL.values["net"]
    both = median_distance(fake, real)
    assert found["mmd"].value == pytest.approx(mmd(fake, real, bandwidth=both, offset=1e-5))
    assert found["mmd"].fingerprint.facts["metric.offset"] == 1e-5

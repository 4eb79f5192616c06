"""Figures of the voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.made import SIDE, bodies, instruments
from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.anchors import blurred, stitched
from hagan.evaluation.bench import measures_of
from hagan.evaluation.measuring import Cache, Measured, measure_set
from hagan.evaluation.ms_ssim import MultiScaleSSIM, pairs
from hagan.evaluation.scores import Score, Unavailable
from hagan.evaluation.sets import Part, VolumeSet
from hagan.evaluation.volume_scores import similarity, volume_scores

CONFIG = EvaluationConfig(resamples=20, pairs=4)
MEASURES = measures_of((SIDE,) * 3, instruments(), CONFIG)
FACTS = {"resampling": "none"}
REAL = bodies("real", 0, 8)


def measured(volumes: VolumeSet) -> Measured:
    wanted = [MEASURES[name] for name in ("intensities", "sharpness", "seams", "thumbnail")]
    return measure_set(volumes, wanted, Cache(None))


def found(volumes: VolumeSet) -> dict[str, Score | Unavailable]:
    items = volume_scores(
        measured(volumes), measured(REAL), MEASURES, CONFIG, FACTS, with_intervals=True
    )
    return {item.metric: item for item in items}


def test_other_bodies_are_as_sharp_and_without_seams() -> None:
    items = found(bodies("fake", 50, 8))
    for metric in ("sharpness", "seam_gradient"):
        score = items[metric]
        assert isinstance(score, Score)
        assert score.value == pytest.approx(1, abs=0.15)
        assert score.interval is not None
        assert score.interval.low < score.value < score.interval.high


def test_blur_and_seams_are_seen() -> None:
    blunt = found(blurred(REAL, 8, 0))["sharpness"]
    assert isinstance(blunt, Score)
    assert blunt.value < 0.5
    seamed = found(stitched(REAL, 8, 0, 8))["seam_gradient"]
    assert isinstance(seamed, Score)
    assert seamed.value > 1.1


def test_without_a_classifier_the_inception_score_is_unavailable() -> None:
    item = found(REAL)["inception_score"]
    assert isinstance(item, Unavailable)
    assert "hagan[weights]" in item.reason


def test_volumes_too_thin_for_slabs_say_so() -> None:
    thin = measures_of((20, 32, 32), instruments(), CONFIG)
    assert "seams" not in thin
    items = volume_scores(measured(REAL), measured(REAL), thin, CONFIG, FACTS, with_intervals=False)
    reasons = {item.metric: item.reason for item in items if isinstance(item, Unavailable)}
    assert "too thin for 8 slabs" in reasons["seam_gradient"]


def test_similarity_is_the_mean_over_pairs_and_is_kept(tmp_path: Path) -> None:
    rows = measured(REAL)
    cache = Cache(tmp_path)
    score = similarity(REAL, rows, rows, CONFIG, FACTS, cache, with_intervals=True)
    ssim = MultiScaleSSIM(REAL.shape)
    chosen = pairs(8, CONFIG.seed)[:4]
    expected = np.mean([ssim(REAL.volume(a), REAL.volume(b)) for a, b in chosen])
    assert score.value == pytest.approx(expected, abs=1e-9)
    assert score.details["pairs"] == 4
    assert len(list(tmp_path.rglob("*.npy"))) == 4
    again = similarity(REAL, rows, rows, CONFIG, FACTS, cache, with_intervals=False)
    assert again.value == score.value


def test_a_collapsed_set_is_more_alike() -> None:
    same = Part("same", REAL, [0] * 8)
    config = EvaluationConfig(resamples=0, pairs=4)
    values = [
        similarity(
            volumes,
            measured(volumes),
            measured(REAL),
            config,
            FACTS,
            Cache(None),
            with_intervals=False,
        ).value
        for volumes in (same, REAL)
    ]
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert values[1] < 0.95

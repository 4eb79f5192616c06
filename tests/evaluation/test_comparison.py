"""The whole comparison on small bodies: floor, anchors, warnings, equal counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.made import bodies, instruments, sides
from hagan.config.evaluation import EvaluationConfig, ha_gan
from hagan.errors import BadInputError
from hagan.evaluation.anchors import copies
from hagan.evaluation.comparison import Comparison, Sides, compare, copies_told
from hagan.evaluation.sets import Altered, Part

pytestmark = pytest.mark.slow  # comparisons of whole sets

CONFIG = EvaluationConfig(resamples=10, pairs=3)
FACTS = {"resampling": "none", "window": "-1 to 1"}
NETWORK = "random-resnet10"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(sides(), instruments(), CONFIG, FACTS)


def row(comparison: Comparison, name: str):  # type: ignore[no-untyped-def]
    (found,) = [item for item in comparison.rows if item.name == name]
    return found


def test_floor_and_anchors_stand_beside_the_model(comparison: Comparison) -> None:
    assert [item.kind for item in comparison.rows] == [
        *("fake", "floor", "copies", "copies"),
        *["anchor"] * 3,
    ]
    assert [item.name for item in comparison.rows][2:] == [
        *("copies", "mirrored copies", "PCA Gaussian", "blurred copies", "stitched slabs"),
    ]
    assert {len(item.measured) for item in comparison.rows} == {8}


def test_every_figure_has_the_floor_beside_it(comparison: Comparison) -> None:
    floor = row(comparison, "floor: other real volumes").scores[NETWORK]["fid"].value
    for item in comparison.rows:
        assert item.scores[NETWORK]["fid"].floor == floor


def test_anchors_show_what_they_are_for(comparison: Comparison) -> None:
    blurred = row(comparison, "blurred copies").scores
    floor = row(comparison, "floor: other real volumes").scores
    assert blurred["volumes"]["sharpness"].value < 0.5
    assert blurred[NETWORK]["fid"].value > 2 * floor[NETWORK]["fid"].value
    assert row(comparison, "copies").scores[NETWORK]["memorised"].value == 1
    assert row(comparison, "mirrored copies").scores[NETWORK]["memorised_mirrored"].value == 1
    assert row(comparison, "stitched slabs").scores["volumes"]["seam_gradient"].value > 1.1


def test_the_same_again_gives_the_same_figures(comparison: Comparison) -> None:
    again = compare(sides(), instruments(), CONFIG, FACTS)
    for one, two in zip(comparison.rows, again.rows, strict=True):
        for heading, scores in one.scores.items():
            for metric, score in scores.items():
                other = two.scores[heading][metric]
                assert other.value == score.value
                assert other.interval == score.interval
                assert other.fingerprint.id == score.fingerprint.id


def test_few_volumes_are_warned_of(comparison: Comparison) -> None:
    assert any("n = 8: distances" in text for text in comparison.warnings)


def test_copies_are_warned_of_by_name() -> None:
    plain = sides()
    stolen = replace(plain, fakes=[copies(plain.train, 8, 0)])
    found = compare(stolen, instruments(), replace(CONFIG, anchors=False), FACTS)
    told = " ".join(found.warnings)
    assert "copies: 8 volumes are real ones, voxel by voxel" in told
    assert "100% of the samples are nearer to training scans" in told
    assert "more often than by chance: do not release" in told


def test_a_collapse_and_other_windows_are_warned_of() -> None:
    plain = sides()
    same = Part("collapsed", plain.fakes[0], [0] * 8)
    bright = Altered("bright", plain.fakes[0], lambda v, _: np.clip(v + 0.5, -1, 1))
    found = compare(
        replace(plain, fakes=[same, bright]), instruments(), replace(CONFIG, anchors=False), FACTS
    )
    told = " ".join(found.warnings)
    assert "collapsed: only 1 of 8 volumes differ" in told
    assert "bright: intensities differ" in told
    collapsed, other = found.fakes
    assert collapsed.scores[NETWORK]["recall"].value < other.scores[NETWORK]["recall"].value + 1


def test_unknown_training_scans_give_no_figure_of_copies() -> None:
    unknown = replace(sides(), train_is_known=False)
    found = compare(unknown, instruments(), CONFIG, FACTS)
    fake, anchor = found.rows[0], row(found, "copies")
    assert "memorised" not in fake.scores[NETWORK]
    assert "--train or --fold" in fake.unavailable[NETWORK]["memorised"].reason
    assert anchor.scores[NETWORK]["memorised"].value == 1, "the anchor's are known"


def test_the_real_set_in_the_training_set_is_told() -> None:
    plain = sides()
    leaking = replace(plain, train=plain.real)
    found = compare(leaking, instruments(), replace(CONFIG, anchors=False), FACTS)
    told = " ".join(found.warnings)
    assert "10 volumes are in both the real and the training set" in told
    assert "10 subjects are in both" in told


def test_one_volume_is_refused_by_name() -> None:
    one = Sides([bodies("model", 0, 1)], bodies("real", 5, 3), bodies("train", 9, 3), True)
    with pytest.raises(BadInputError, match="model has 1 volume"):
        compare(one, instruments(), CONFIG, FACTS)


def test_counts_are_equal_or_whole_as_the_preset_says() -> None:
    config = replace(CONFIG, anchors=False, count=4)
    assert {len(item.measured) for item in compare(sides(), instruments(), config, FACTS).rows} == {
        4
    }
    authors = replace(ha_gan(), anchors=False, resamples=0)
    found = compare(sides(), instruments(), authors, FACTS)
    assert [len(item.measured) for item in found.rows] == [8, 9]
    assert set(found.rows[0].scores[NETWORK]) == {"fid", "mmd", "mmd_biased"}


@pytest.mark.parametrize(
    ("p", "said"), [(0.001, "do not release"), (0.4, "smooth volumes lie near")]
)
def test_nearness_alone_is_not_called_copying(comparison: Comparison, p: float, said: str) -> None:
    first = comparison.rows[0]
    scores = first.scores[NETWORK]
    told = {
        "memorised": replace(scores["memorised"], value=0.9),
        "training_nearest": replace(
            scores["training_nearest"], value=0.8, details={"expected": 0.7, "p": p}
        ),
    }
    (text,) = copies_told(replace(first, scores={NETWORK: told}))
    assert "90% of the samples" in text
    assert said in text

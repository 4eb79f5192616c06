"""Who is measured in a comparison: sizes, rows, the flipped volumes, and the order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation.bench import Instruments
from hagan.evaluation.lineup import FLOOR, LineUp, line_up
from hagan.evaluation.measuring import Cache
from hagan.evaluation.sets import ArraySet
from hagan.evaluation.thumbnails import Thumbnail


def some(name: str, count: int, seed: int) -> ArraySet:
    rng = np.random.default_rng(seed)
    return ArraySet(name, list(rng.uniform(-1, 1, (count, 24, 24, 24)).astype(np.float32)))


def lined(*, sizes: tuple[int, ...] = (5, 7), **changes: Any) -> LineUp:
    fakes = [some(f"fake {number}", size, number) for number, size in enumerate(sizes)]
    instruments = Instruments([], None, Cache(None))
    config = replace(EvaluationConfig(), **changes)
    return line_up(fakes, some("real", 4, 8), some("train", 6, 9), instruments, config)


def test_fakes_and_floor_are_cut_to_one_size_and_the_anchors_stand_beside() -> None:
    found = lined()
    names = {volumes.name: (len(volumes), kind) for volumes, kind in found.rows}
    assert names == {
        "fake 0": (5, "fake"),
        "fake 1": (5, "fake"),
        FLOOR: (5, "floor"),
        "copies": (5, "copies"),
        "mirrored copies": (5, "copies"),
        "PCA Gaussian": (5, "anchor"),
        "blurred copies": (5, "anchor"),
        "stitched slabs": (5, "anchor"),
    }


def test_the_floor_is_drawn_from_the_training_volumes_by_the_seed() -> None:
    def drawn(seed: int) -> list[str]:
        (floor,) = [volumes for volumes, kind in lined(seed=seed).rows if kind == "floor"]
        return list(floor.subjects)

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(6)}) > 1
    assert set(drawn(0)) < {f"train-{number}" for number in range(6)}


def test_every_set_is_measured_and_the_flipped_ones_only_at_a_glance() -> None:
    found = lined()
    measured = list(found.measured())
    assert [volumes.name for volumes, _ in measured] == [
        *("real", "train", "mirrored"),
        *(volumes.name for volumes, _ in found.rows),
    ]
    for volumes, measures in measured:
        if volumes is found.mirrored:
            assert [type(measure) for measure in measures] == [Thumbnail]
            assert len(volumes) == 6
        else:
            assert measures == list(found.measures.values())


def test_without_anchors_there_are_the_fakes_and_the_floor() -> None:
    found = lined(anchors=False)
    assert found.mirrored is None
    assert [kind for _, kind in found.rows] == ["fake", "fake", "floor"]
    assert len(list(found.measured())) == 5


def test_a_set_of_one_is_refused() -> None:
    with pytest.raises(BadInputError, match="fake 1 has 1 volume"):
        lined(sizes=(3, 1))

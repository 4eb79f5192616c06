"""Measuring: each volume once, kept by content and definition, and never a silent bad figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.made import bodies, body
from hagan.errors import BadInputError
from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import Cache, default_cache, digest, hash_of, measure_set
from hagan.evaluation.sets import ArraySet, Part, Voxels


class Mean:
    """The mean intensity; counts how often it was asked."""

    name = "mean"

    def __init__(self, version: int = 1) -> None:
        self.definition: Mapping[str, Fact] = {"measure": "mean", "version": version}
        self.asked = 0

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        self.asked += 1
        return np.array([volume.mean(dtype=np.float64)])


def test_rows_follow_the_volumes() -> None:
    volumes = bodies("set", 0, 3)
    measured = measure_set(volumes, [Mean()], Cache(None))
    expected = [[volumes.volume(i).mean(dtype=np.float64)] for i in range(3)]
    assert np.array_equal(measured.values["mean"], expected)
    assert measured.subjects == ("subject-000", "subject-001", "subject-002")


def test_what_was_measured_before_is_not_measured_again(tmp_path: Path) -> None:
    volumes = bodies("set", 0, 3)
    first = measure_set(volumes, [Mean()], Cache(tmp_path))
    again = Mean()
    # Other order, other name: the content counts.
    turned = Part("other", volumes, [2, 1, 0])
    second = measure_set(turned, [again], Cache(tmp_path))
    assert again.asked == 0
    assert np.array_equal(second.values["mean"], first.values["mean"][::-1])
    assert first.sha256 == second.sha256


def test_another_definition_or_a_changed_voxel_is_measured_anew(tmp_path: Path) -> None:
    volume = body(0)
    measure_set(ArraySet("set", [volume]), [Mean()], Cache(tmp_path))
    newer = Mean(version=2)
    measure_set(ArraySet("set", [volume]), [newer], Cache(tmp_path))
    assert newer.asked == 1
    changed = volume.copy()
    changed[0, 0, 0] += 0.5
    same = Mean()
    measure_set(ArraySet("set", [changed]), [same], Cache(tmp_path))
    assert same.asked == 1


def test_a_spoilt_file_of_the_cache_is_measured_again(tmp_path: Path) -> None:
    volumes = bodies("set", 0, 1)
    expected = measure_set(volumes, [Mean()], Cache(tmp_path)).values["mean"]
    (kept,) = tmp_path.rglob("*.npy")
    kept.write_bytes(b"\x93NUMPY spoilt")
    again = Mean()
    assert np.array_equal(measure_set(volumes, [again], Cache(tmp_path)).values["mean"], expected)
    assert again.asked == 1
    assert len(np.load(kept)) == 1, "and mended"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (None, "is constant")],
)
def test_volumes_without_meaning_are_refused_by_name(spoil: float | None, said: str) -> None:
    volume = body(0)
    if spoil is None:
        volume[:] = -1
    else:
        volume[3, 4, 5] = spoil
    volumes = ArraySet("model", [body(1), volume], ["good", "bad"])
    with pytest.raises(BadInputError, match=rf"model: volume 1 \(bad\) .*{said}"):
        measure_set(volumes, [Mean()], Cache(None))


def test_hashes_tell_shapes_and_signs_apart() -> None:
    volume = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    hashes = {hash_of(volume), hash_of(volume.reshape(1, 2, 4)), hash_of(-volume)}
    assert len(hashes) == 3
    assert hash_of(volume) == hash_of(np.asfortranarray(volume))


def test_a_digest_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": None}) == digest({"b": None, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HAGAN_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("HAGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_cache() == tmp_path / "cache" / "hagan"

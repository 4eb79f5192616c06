"""Fitness: what the packaged table says, and what is said of strangers."""

from __future__ import annotations

from hagan.evaluation import fitness
from hagan.evaluation.extractors import random_resnet10_extractor
from hagan.evaluation.fitness import extractor_key, fitness_of


def test_an_unknown_extractor_is_not_trusted() -> None:
    told = fitness_of({"extractor": "mine", "weights_sha256": "0"})
    assert told is not None
    assert "--self-test" in told


def test_the_default_extractor_was_put_to_the_suite() -> None:
    entry = fitness._table()[extractor_key(random_resnet10_extractor().definition)]
    assert entry["count"] >= 200
    told = fitness_of(random_resnet10_extractor().definition)
    assert (told is None) == (entry["missed"] == [])
    if told is not None:
        assert all(fault in told for fault in entry["missed"])


def test_a_key_depends_on_weights_and_input_and_not_on_the_data() -> None:
    base = {"extractor": "astra", "weights_sha256": "a", "input_grid": "own", "window_low": -1.0}
    assert extractor_key(base) == extractor_key(base | {"window_low": -5.0})
    assert extractor_key(base) != extractor_key(base | {"weights_sha256": "b"})
    assert extractor_key(base) != extractor_key(base | {"input_grid": "authors"})
    random = {"extractor": "r", "weights": "random, seed 1", "weights_sha256": "a"}
    assert extractor_key(random) == extractor_key(random | {"weights_sha256": "b"})
    assert extractor_key(random) != extractor_key(random | {"weights": "random, seed 2"})

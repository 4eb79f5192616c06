"""One classifier of Table V."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hagan.data.quantised import quantise
from hagan.data.store import Store, fold_of
from hagan.experiments.classifying import Cell, classify
from inference.made import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("classifying"), labelled=True)


def cell(store: Store, **changes: object) -> Cell:
    plain = Cell(
        store=store.path,
        fold="0/2",
        added=0,
        generated=None,
        labels=(),
        seed=0,
        epochs=1,
        device="cpu",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_sets_have_as_many_volumes_as_asked(store: Store, tmp_path: Path) -> None:
    real = sum(fold_of(entry.subject, 2) != 0 for entry in store.entries)
    found = classify(cell(store))
    assert (found["trained_on"], found["held_out"]) == (real, 6 - real)
    assert np.sum(found["confusion"]) == 6 - real
    assert classify(cell(store, added=2))["trained_on"] == real + 2
    path = tmp_path / "made.npy"
    np.save(path, quantise(np.zeros((4, 32, 32, 32), np.float32)))
    # More of a class than there are is drawn again.
    some = classify(cell(store, added=6, generated=path, labels=(0, 1, 1, 0)))
    assert some["trained_on"] == real + 6


def test_the_same_cell_gives_the_same_answer(store: Store) -> None:
    assert classify(cell(store, seed=3)) == classify(cell(store, seed=3))


@pytest.mark.parametrize("fold", ["0/2", "1/2"])
def test_training_opens_no_held_out_scan(
    store: Store, fold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held-out scans are read after the network is trained, and never before."""
    from hagan.experiments import classifying

    opened: list[str] = []
    when: dict[str, int] = {}
    load, train = Store.load, classifying.train_classifier

    def noted(self: Store, entry: object) -> object:
        opened.append(entry.subject)  # type: ignore[attr-defined]
        return load(self, entry)  # type: ignore[arg-type]

    def timed(*arguments: object, **flags: object) -> object:
        network = train(*arguments, **flags)  # type: ignore[arg-type]
        when["trained"] = len(opened)
        return network

    monkeypatch.setattr(Store, "load", noted)
    monkeypatch.setattr(classifying, "train_classifier", timed)
    classify(cell(store, fold=fold))
    index = int(fold[0])
    before = {fold_of(subject, 2) for subject in opened[: when["trained"]]}
    after = {fold_of(subject, 2) for subject in opened[when["trained"] :]}
    assert (before, after) == ({1 - index}, {index})

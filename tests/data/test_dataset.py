from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from data.test_store import CONFIG, entry, filled, volume
from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError


def test_fold_is_read_from_text() -> None:
    assert Fold.parse("2/5") == Fold(2, 5)
    for text in ("5/5", "-1/5", "0/1", "2", "a/b", "1/5/2", ""):
        with pytest.raises(UsageError, match="fold"):
            Fold.parse(text)


def test_volumes_come_as_stored(tmp_path: Path) -> None:
    dataset = VolumeDataset(filled(tmp_path / "s"))
    assert len(dataset) == 3
    assert dataset.volume(1).shape == (1, 8, 9, 10)
    torch.testing.assert_close(dataset.volume(1)[0], torch.from_numpy(volume(2)), atol=2e-5, rtol=0)
    assert dataset.num_classes == 0
    assert dataset.label(0) is None


def test_the_parts_of_the_folds_cover_everything_once(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", CONFIG).with_entries([entry(n) for n in range(1, 41)])
    held_out: list[str] = []
    for index in range(5):
        train = {item.id for item in VolumeDataset(store, Fold(index)).entries}
        held = {item.id for item in VolumeDataset(store, Fold(index), "held-out").entries}
        assert train.isdisjoint(held)
        assert len(train | held) == 40
        held_out.extend(held)
    assert len(held_out) == len(set(held_out)) == 40


def test_scans_of_one_subject_stay_together_and_adding_scans_moves_none(tmp_path: Path) -> None:
    entries = [entry(n, subject=f"s{n // 2}") for n in range(1, 31)]
    store = Store.create(tmp_path / "s", CONFIG).with_entries(entries)
    held = {item.id for item in VolumeDataset(store, Fold(0), "held-out").entries}
    subjects = {item.subject for item in VolumeDataset(store, Fold(0), "held-out").entries}
    train = {item.subject for item in VolumeDataset(store, Fold(0)).entries}
    assert subjects.isdisjoint(train)
    more = store.with_entries([entry(n, subject=f"s{n}") for n in range(31, 61)])
    again = {item.id for item in VolumeDataset(more, Fold(0), "held-out").entries}
    assert held == {number for number in again if int(number) <= 30}


def test_an_empty_part_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path / "s", count=1)
    empty = next(index for index in range(5) if not Fold(index).holds_back("s1"))
    with pytest.raises(BadInputError, match=f"held-out part of fold {empty}/5"):
        VolumeDataset(store, Fold(empty), "held-out")
    with pytest.raises(BadInputError, match="no labelled scan"):
        VolumeDataset(store, only_labelled=True)


def test_labels_count_only_when_every_scan_has_one(tmp_path: Path) -> None:
    store = filled(tmp_path / "s")
    first, second, third = store.entries
    labelled = [dataclasses.replace(first, label=1), dataclasses.replace(second, label=0)]
    store = store.with_entries(labelled, ("F", "M"))
    assert VolumeDataset(store).num_classes == 0
    chosen = VolumeDataset(store, only_labelled=True)
    assert chosen.num_classes == 2
    assert [chosen.label(index) for index in range(2)] == [1, 0]
    assert third not in chosen.entries


def test_few_scans_are_those_whose_subjects_come_first_whatever_the_order(tmp_path: Path) -> None:
    entries = [entry(n, subject=f"s{n}") for n in range(1, 31)]
    forwards = Store.create(tmp_path / "a", CONFIG).with_entries(entries)
    some = VolumeDataset(forwards, Fold(0), most=10).entries
    assert len(some) == 10
    assert all(not Fold(0).holds_back(item.subject) for item in some)
    more = VolumeDataset(forwards, Fold(0), most=15).entries
    assert {item.subject for item in some} < {item.subject for item in more}
    # Another order of the scans, and so other numbers, leaves the same people.
    renamed = [entry(31 - n, subject=f"s{n}") for n in range(1, 31)]
    backwards = Store.create(tmp_path / "b", CONFIG).with_entries(renamed)
    again = VolumeDataset(backwards, Fold(0), most=10).entries
    assert {item.subject for item in again} == {item.subject for item in some}
    with pytest.raises(BadInputError, match="scans to train on, not 40"):
        VolumeDataset(forwards, Fold(0), most=40)


def test_labels_are_classes_then_standardised_covariates(tmp_path: Path) -> None:
    store = filled(tmp_path / "s", count=4)
    rows = zip(store.entries, (40.0, 60.0, 20.0, 90.0), (1, 0, 1, None), strict=True)
    store = store.with_entries(
        [dataclasses.replace(e, covariates={"age": age}, label=label) for e, age, label in rows],
        ("F", "M"),
    )
    both = VolumeDataset(store, only_labelled=True, conditions=("age",))
    assert (len(both), both.num_classes, both.num_conditions) == (3, 2, 1)
    spread = (800 / 3) ** 0.5
    labels = both.labels([2, 0])
    assert labels is not None
    torch.testing.assert_close(labels, torch.tensor([[0.0, 1.0, -20 / spread], [0.0, 1.0, 0.0]]))
    alone = VolumeDataset(store, conditions=("age",))
    assert (len(alone), alone.num_classes) == (4, 0)
    labels = alone.labels([0, 1, 2, 3])
    assert labels is not None
    assert labels.shape == (4, 1)
    assert float(labels.mean()) == pytest.approx(0, abs=1e-6)
    assert float(labels.std(correction=0)) == pytest.approx(1, rel=1e-6)


def test_covariates_alone_leave_the_classes_of_the_store_out(tmp_path: Path) -> None:
    store = filled(tmp_path / "s")
    store = store.with_entries(
        [dataclasses.replace(e, covariates={"age": int(e.id)}, label=0) for e in store.entries],
        ("F", "M"),
    )
    dataset = VolumeDataset(store, conditions=("age",))
    assert dataset.num_classes == 0
    assert dataset.conditions is not None
    assert dataset.conditions.labels == ()
    assert VolumeDataset(store).labels([0]) is not None


def test_scans_without_a_covariate_are_counted_in_the_part_alone(tmp_path: Path) -> None:
    store = filled(tmp_path / "s")
    first, *rest = store.entries
    store = store.with_entries(
        [dataclasses.replace(e, covariates={"height": float(e.id)}) for e in rest]
    )
    with pytest.raises(BadInputError, match=r"1 of 3 training scans .* have no number for height"):
        VolumeDataset(store, conditions=("height",))
    labelled = store.with_entries(
        [dataclasses.replace(e, label=1) for e in store.entries if e.id != first.id], ("F", "M")
    )
    assert len(VolumeDataset(labelled, only_labelled=True, conditions=("height",))) == 2

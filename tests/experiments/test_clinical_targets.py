"""Columns and their logarithms."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hagan.data.store import Store
from hagan.errors import UsageError
from hagan.experiments.clinical_targets import PHANTOM_TARGETS, Target, targets_of
from hagan.experiments.cohort import given, phantoms
from inference.made import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("targets"))


def with_values(store: Store, column: str, values: list[float | str | None]) -> Store:
    entries = [
        dataclasses.replace(e, covariates={**e.covariates, **({} if v is None else {column: v})})
        for e, v in zip(store.entries, values, strict=True)
    ]
    return Store(store.path, store.config, entries=entries)


def test_a_column_is_taken_as_it_is_and_gaps_stay(store: Store) -> None:
    entries = with_values(store, "age", [40, 50.5, None, 60, 0, -3]).entries
    values, added = Target("age").values(entries)
    np.testing.assert_array_equal(values, [40, 50.5, np.nan, 60, 0, -3])
    assert added == 0


def test_a_logarithm_says_what_it_added_to_zeros(store: Store) -> None:
    entries = with_values(store, "laa", [0, 2, None, 8, 0.5, 30]).entries
    values, added = Target("log laa").values(entries)
    assert added == pytest.approx(0.005)
    expected = np.log(np.array([0, 2, np.nan, 8, 0.5, 30]) + 0.005)
    np.testing.assert_allclose(values, expected)
    entries = with_values(store, "laa", [1, 2, None, 8, 0.5, 30]).entries
    assert Target("log laa").values(entries)[1] == 0


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("sex", ["F", "M", "F", "F", "F", "M"], "'F' is not a number"),
        ("age", [None] * 6, "no scan has age"),
        ("log x", [1, -2, 3, 4, 5, 6], "needs values above 0"),
        ("log x", [0] * 6, "needs values above 0"),
    ],
)
def test_what_cannot_be_predicted_is_told(
    store: Store, name: str, values: list[float | str | None], said: str
) -> None:
    column = name.removeprefix("log ")
    with pytest.raises(UsageError, match=said):
        Target(name).values(with_values(store, column, values).entries)


def test_every_quantity_of_a_users_table_is_taken(store: Store, tmp_path: Path) -> None:
    cohort = given([store.path])
    held = with_values(store, "age", [1, 2, 3, 4, 5, 6])
    held = with_values(held, "site", ["a", 1.0, 2.0, 3.0, 4.0, 5.0])
    held = with_values(held, "stage", [0, 1, 0, 1, 0, 1])
    assert list(targets_of(cohort, held)) == ["age"]
    with pytest.raises(UsageError, match="has no numeric column"):
        targets_of(cohort, store)
    made = phantoms("brain", tmp_path, (32,), 3, 0)
    assert targets_of(made, store) == PHANTOM_TARGETS["brain"]

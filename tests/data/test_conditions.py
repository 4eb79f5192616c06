"""Covariates: their scale and range, what may be asked for, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.data.conditions import Conditions, number_of
from hagan.errors import BadInputError, UsageError

STORE = Path("store")
SCANS: list[dict[str, float | str]] = [
    {"age": 30.0, "ml": 10.0, "site": "a"},
    {"age": 60.0, "ml": 20.0, "site": "b"},
    {"age": 20.0, "ml": 12.0, "site": "a"},
    {"age": 80.0, "ml": 40.0, "site": "b"},
]


def made(labels: tuple[int, ...] = ()) -> Conditions:
    return Conditions.of_scans(("age", "ml"), SCANS, labels, STORE)


def test_training_scans_have_mean_0_and_sd_1() -> None:
    known = made()
    rows = np.array([known.standardised({"age": s["age"], "ml": s["ml"]}) for s in SCANS])  # type: ignore[dict-item]
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-12)
    ages = np.array([30.0, 60.0, 20.0, 80.0])
    np.testing.assert_allclose(rows[:, 0], (ages - 47.5) / ages.std())
    assert (known.lows, known.highs) == ((20.0, 10.0), (80.0, 40.0))


def test_rows_are_sorted_and_keep_their_classes() -> None:
    known = made((0, 1, 1, 0))
    assert known.rows == ((20.0, 12.0), (30.0, 10.0), (60.0, 20.0), (80.0, 40.0))
    assert known.labels == (1, 0, 1, 0)
    assert made().labels == ()


def test_what_may_be_asked_for() -> None:
    known = made()
    assert list(known.checked({"ml": 7.0, "age": 86.0}).items()) == [("age", 86.0), ("ml", 7.0)]
    for asked, told in (
        ({"age": 86.1, "ml": 20.0}, "age=86.1 is too far .* 20 to 80; ask for 14 to 86"),
        ({"age": float("nan"), "ml": 20.0}, "age=nan is too far"),
        ({"age": 50.0}, r"a value of ml is missing; the model takes age \(20 to 80\), ml"),
        ({"age": 50.0, "ml": 20.0, "iq": 100.0}, "no condition iq; it takes age"),
    ):
        with pytest.raises(UsageError, match=told):
            known.checked(asked)


def test_what_is_drawn_is_a_scans_and_depends_on_seed_and_index_alone() -> None:
    known = made((0, 1, 1, 0))
    drawn = [known.drawn(index, seed=0) for index in range(200)]
    assert drawn == [known.drawn(index, seed=0) for index in range(200)]
    assert drawn != [known.drawn(index, seed=1) for index in range(200)]
    pairs = {(row["age"], row["ml"]) for row in drawn}
    assert pairs == set(known.rows)
    of_class = {known.drawn(index, seed=0, label=1)["age"] for index in range(50)}
    assert of_class == {20.0, 60.0}
    # A class of which no scan was trained on still has a volume.
    assert known.drawn(3, seed=0, label=7) == known.drawn(3, seed=0)


def test_scans_without_a_number_are_counted() -> None:
    with pytest.raises(BadInputError) as caught:
        Conditions.of_scans(("age",), [*SCANS, {"ml": 3.0}, {"age": "old"}], [], STORE)
    line = str(caught.value)
    assert line.startswith("2 of 6 training scans of store have no number for age; ")
    assert line.endswith("(columns of the store: age, ml, site)")
    with pytest.raises(BadInputError, match=r"4 of 4 training scans of store .* for site"):
        Conditions.of_scans(("age", "site"), SCANS, [], STORE)


def test_a_column_that_is_the_same_in_all_teaches_nothing() -> None:
    with pytest.raises(BadInputError, match="age is 5 in all 2 training scans of store"):
        Conditions.of_scans(("age",), [{"age": 5.0}, {"age": 5.0}], [], STORE)


def test_only_finite_numbers_count() -> None:
    row: dict[str, float | str] = {"a": 1, "b": "1", "c": float("inf")}
    assert [number_of(row, name) for name in "abcd"] == [1.0, None, None, None]

"""Labels, covariates and subjects of a store's scans, matched to a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.made import save_thorax
from hagan.config.data import PrepareConfig
from hagan.data.labels import label
from hagan.data.prepare import prepare
from hagan.data.scans import Scan, find_scans
from hagan.data.store import Store
from hagan.data.table import Table
from hagan.errors import UsageError

CONFIG = PrepareConfig(protocol="thorax-ct", volume_shape=(12, 24, 20))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three subjects; the second was scanned twice."""
    for number, name in enumerate(("s1_ct", "s2_a_ct", "s2_b_ct", "s3_ct")):
        save_thorax(tmp_path / "scans" / f"{name}.nii.gz", seed=number)
    return prepare(tmp_path / "scans", tmp_path / "store", CONFIG, workers=1).store


def found(store: Store) -> dict[str, Scan]:
    return {scan.name: scan for scan in find_scans(store.path.parent / "scans")}


def table(**rows: dict[str, float | str]) -> Table:
    return Table(Path("table.csv"), ("gold", "age"), rows)


def test_every_scan_takes_the_row_of_its_subject(store: Store) -> None:
    known = table(s1={"gold": 2.0, "age": 60.0}, s2={"gold": 10.0}, s9={"gold": 1.0})
    labelled, unmatched = label(store, known, "gold", found(store))
    assert labelled.class_names == ("2", "10")
    assert [entry.label for entry in labelled.entries] == [0, 1, 1, None]
    assert [entry.subject for entry in labelled.entries][:3] == ["s1", "s2", "s2"]
    assert labelled.entries[0].covariates == {"gold": 2.0, "age": 60.0}
    assert unmatched.without_row == ("s3_ct.nii.gz",)
    assert unmatched.unused_rows == ("s9",)
    again = Store.open(store.path)
    assert again.entries == labelled.entries
    assert again.class_names == labelled.class_names


def test_the_table_is_read_anew_and_volumes_are_left_alone(store: Store) -> None:
    arrays = {path: path.stat().st_mtime_ns for path in store.path.glob("*.npy")}
    label(store, table(s1={"gold": 1.0}, s2={"gold": 2.0}), "gold", found(store))
    mended, _ = label(Store.open(store.path), table(s1={"gold": 3.0}), "gold", found(store))
    assert mended.entries[0].covariates == {"gold": 3.0}
    assert {path: path.stat().st_mtime_ns for path in store.path.glob("*.npy")} == arrays


def test_without_a_column_labels_stay_and_covariates_change(store: Store) -> None:
    label(store, table(s1={"gold": 1.0}, s2={"gold": 2.0}), "gold", found(store))
    later, _ = label(Store.open(store.path), table(s1={"age": 61.0}), None, found(store))
    assert later.class_names == ("1", "2")
    assert [entry.label for entry in later.entries] == [0, 1, 1, None]
    assert later.entries[0].covariates == {"age": 61.0}
    assert later.entries[1].covariates == {"gold": 2.0}, "no row, so as it was"


def test_scans_of_another_folder_are_matched_by_their_subject(store: Store) -> None:
    label(store, table(s1={"gold": 1.0}, s2={"gold": 2.0}), "gold", found(store))
    labelled, _ = label(Store.open(store.path), table(s2={"gold": 1.0}), "gold", {})
    assert [entry.label for entry in labelled.entries] == [0, 0, 0, None]


def test_a_class_that_only_scans_without_a_row_have_is_a_class(store: Store) -> None:
    """As when the table of a second folder is given, and the first folder had more stages."""
    label(store, table(s1={"gold": 4.0}, s2={"gold": 2.0}), "gold", found(store))
    labelled, _ = label(Store.open(store.path), table(s3={"gold": 0.0}), "gold", found(store))
    assert labelled.class_names == ("0", "2", "4")
    assert [entry.label for entry in labelled.entries] == [2, 1, 1, 0]


def test_a_column_without_values_is_refused_and_changes_nothing(store: Store) -> None:
    before = (store.path / "index.json").read_bytes()
    with pytest.raises(UsageError, match="no scan has a value in the column gold"):
        label(store, table(s1={"age": 60.0}), "gold", found(store))
    assert (store.path / "index.json").read_bytes() == before

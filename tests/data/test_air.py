"""Air-density correction: air becomes -1000, water stays, and no scan goes without its number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.made import save_thorax
from hagan.config.data import PrepareConfig
from hagan.data.air import air_corrected, check_air
from hagan.data.prepare import prepare
from hagan.data.volume import Volume
from hagan.errors import ScanError, UsageError


def test_air_and_water_come_to_their_places() -> None:
    values = np.array([-970.0, 0.0, -485.0, 40.0], np.float32).reshape(1, 2, 2)
    found = air_corrected(Volume(values, np.eye(4), "ct"), -970.0)
    np.testing.assert_allclose(found.voxels.ravel(), [-1000, 0, -500, 41.237], rtol=1e-4)


@pytest.mark.parametrize("air", [None, 0.0, -500.0, -1200.0, float("nan")])
def test_what_is_no_density_of_air_is_refused(air: float | None) -> None:
    with pytest.raises(ScanError, match=r"one: .*air_hu") as caught:
        check_air(air, "air_hu", "one")
    assert caught.value.code == "E127"


CONFIG = PrepareConfig(protocol="thorax-ct", volume_shape=(16,) * 3, air_column="air_hu")


def test_a_table_gives_each_scan_its_correction(tmp_path: Path) -> None:
    for seed, name in enumerate("abc"):
        save_thorax(tmp_path / "scans" / f"{name}.nii.gz", seed)
    table = tmp_path / "table.csv"
    table.write_text("subject,air_hu\na,-1000\nb,-950\nc,\n")
    first = prepare(tmp_path / "scans", tmp_path / "store", CONFIG, table=table, workers=1)
    assert [(r.scan, r.code) for r in first.failed] == [("c.nii.gz", "E127")]
    one, other = first.store.entries
    assert (one.air_hu, other.air_hu) == (-1000, -950)
    plain = prepare(
        tmp_path / "scans",
        tmp_path / "plain",
        PrepareConfig(protocol="thorax-ct", volume_shape=(16,) * 3),
        table=table,
        workers=1,
    ).store
    np.testing.assert_array_equal(first.store.load(one), plain.load(plain.entries[0]))
    lung = plain.load(plain.entries[1]) < -0.5
    change = first.store.load(other)[lung] - plain.load(plain.entries[1])[lung]
    assert change.max() < 0, "the scan showed air too bright"

    table.write_text("subject,air_hu\na,-990\nb,-950\nc,-1010\n")
    again = prepare(tmp_path / "scans", tmp_path / "store", CONFIG, table=table, workers=1)
    assert [(r.scan, r.status) for r in again.results] == [
        ("a.nii.gz", "done"),
        ("b.nii.gz", "skipped"),
        ("c.nii.gz", "done"),
    ]


def test_the_column_must_be_there_and_suit_the_scans(tmp_path: Path) -> None:
    save_thorax(tmp_path / "scans" / "a.nii.gz")
    with pytest.raises(UsageError, match="no column air_hu to take densities of air from"):
        prepare(tmp_path / "scans", tmp_path / "store", CONFIG)
    with pytest.raises(UsageError, match="--air-column goes with"):
        PrepareConfig(protocol="brain-t1", air_column="air_hu")

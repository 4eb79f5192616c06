"""One grid for all sides: what differs is refused or told by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.made import body, write_foreign
from hagan.config.data import PrepareConfig
from hagan.data.placement import Window
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError
from hagan.evaluation.folders import FolderSource
from hagan.evaluation.grid import agree, spread
from hagan.evaluation.sources import StoreSource
from inference.made import make_mr_store, make_store


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="module")
def mr(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_mr_store(tmp_path_factory.mktemp("mr"))


def folder(path: Path, seeds: range = range(3), **how: float) -> FolderSource:
    return FolderSource.survey(write_foreign(path, seeds, **how))  # type: ignore[arg-type]


def test_files_take_the_window_of_the_store(ct: Store, tmp_path: Path) -> None:
    sides = {"real": StoreSource(ct), "fake": folder(tmp_path, scale=700, offset=-200)}
    grids, warnings = agree(sides)
    assert grids["fake"].window == Window(-1024, 600)
    assert grids["fake"].shape == (32, 32, 32)
    assert not any("window" in text for text in warnings)


def test_two_folders_take_the_quantiles_of_the_real_one(tmp_path: Path) -> None:
    sides = {
        "real": folder(tmp_path / "a", range(4)),
        "fake": folder(tmp_path / "b", range(9, 12), scale=390),
    }
    grids, warnings = agree(sides)
    assert grids["real"].window == grids["fake"].window
    window = grids["real"].window
    assert window is not None
    assert window.low == 100
    assert 500 < window.high < 750
    assert warnings == []


def test_hounsfield_units_are_known_by_their_depth(tmp_path: Path) -> None:
    grids, _ = agree({"real": folder(tmp_path, scale=600, offset=-300)})
    assert grids["real"].window == Window(-1024, 600)


def test_files_that_were_scaled_already_stay_so(ct: Store, tmp_path: Path) -> None:
    for seed in range(2):
        np.save(tmp_path / f"{seed}.npy", body(seed))
    fake = FolderSource.survey(tmp_path)
    grids, warnings = agree({"real": StoreSource(ct), "fake": fake})
    assert grids["fake"].window == Window(-1, 1)
    assert "fake: every voxel lies within -1 and 1" in " ".join(warnings)


def test_a_named_window_holds_for_all_files(tmp_path: Path) -> None:
    grids, _ = agree({"real": folder(tmp_path)}, window=(0, 1000))
    assert grids["real"].window == Window(0, 1000)
    grids, _ = agree({"real": folder(tmp_path)}, scan_windows=True)
    assert grids["real"].window is None
    with pytest.raises(UsageError, match="not both"):
        agree({"real": folder(tmp_path)}, window=(0, 1), scan_windows=True)
    with pytest.raises(UsageError, match="lower and a higher"):
        agree({"real": folder(tmp_path)}, window=(1, 0))


def test_shapes_that_differ_are_refused_by_name(ct: Store, tmp_path: Path) -> None:
    fake = folder(tmp_path, range(2), side=24)
    sides = {"real": StoreSource(ct), "model": fake}
    with pytest.raises(BadInputError, match="expected 32 x 32 x 32, but model has 2 of 24 x 24"):
        agree(sides)
    grids, _ = agree(sides, resample=True)
    assert grids["model"].shape == (32, 32, 32)
    assert grids["model"].resample


def test_a_folder_of_several_shapes_is_refused(tmp_path: Path) -> None:
    write_foreign(tmp_path, range(3))
    mixed = folder(tmp_path, range(3, 5), side=16)
    with pytest.raises(BadInputError, match="real has 2 of 16 x 16 x 16"):
        agree({"real": mixed})


def test_other_protocols_and_windows_are_refused(ct: Store, mr: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="train was prepared as brain-t1, real as thorax-ct"):
        agree({"real": StoreSource(ct), "train": StoreSource(mr)})
    other = Store(
        ct.path,
        PrepareConfig(protocol="thorax-ct", volume_shape=(32, 32, 32), window=(-1000.0, 400.0)),
        entries=[replace(entry, window=Window(-1000, 400)) for entry in ct.entries],
    )
    with pytest.raises(BadInputError, match="train has -1000 to 400, real -1024 to 600"):
        agree({"real": StoreSource(ct), "train": StoreSource(other)})


def test_brains_of_other_scanners_are_no_other_window(mr: Store) -> None:
    brighter = Store(
        mr.path,
        mr.config,
        entries=[replace(entry, window=Window(0, 3000)) for entry in mr.entries],
    )
    _, warnings = agree({"real": StoreSource(mr), "train": StoreSource(brighter)})
    assert warnings == []


def test_voxel_sizes_that_differ_are_told(ct: Store, tmp_path: Path) -> None:
    _, warnings = agree({"real": StoreSource(ct), "fake": folder(tmp_path, scale=700, offset=-200)})
    assert any("voxel sizes differ: fake has 3 x 3 x 3 mm" in text for text in warnings)


def test_intensities_that_do_not_suit_the_window_are_told(ct: Store, tmp_path: Path) -> None:
    _, warnings = agree({"real": StoreSource(ct), "fake": folder(tmp_path, scale=40, offset=20)})
    assert any("do not suit the window -1024 to 600" in text for text in warnings)


def test_scans_with_scales_of_their_own_are_told(tmp_path: Path) -> None:
    write_foreign(tmp_path, range(3))
    _, warnings = agree({"real": folder(tmp_path, range(3, 6), scale=4000, offset=4000)})
    assert any("scales of their own: use --scan-windows" in text for text in warnings)


def test_spread_is_the_ratio_of_quartiles() -> None:
    assert spread([1.0, 1.0, 1.0]) == 1
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2

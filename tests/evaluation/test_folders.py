"""Anybody's folders: every volume judged as it is, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.made import save_series
from evaluation.made import body, write_foreign
from hagan.data.placement import Window
from hagan.errors import BadInputError
from hagan.evaluation.folders import FolderSource, count_of
from hagan.evaluation.sources import Grid


def test_foreign_nifti_is_read_windowed_and_turned(tmp_path: Path) -> None:
    folder = write_foreign(tmp_path, range(2))
    source = FolderSource.survey(folder)
    assert source.shapes == {(32, 32, 32): 2}
    assert not source.is_ct
    volumes = source.volumes("fake", Grid((32, 32, 32), Window(100, 900)))
    # Whole numbers of 400 a unit: half a step is what rounding costs.
    assert np.abs(volumes.volume(1) - body(1)).max() <= 1 / 400 + 1e-6
    assert volumes.subjects == ["someone_000", "someone_001"]


def test_dicom_is_read_with_its_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(-900, 300, (12, 16, 16)).astype(np.int16)
    for number in range(2):
        save_series(tmp_path / f"patient-{number}", pixels + number)
    source = FolderSource.survey(tmp_path)
    assert source.is_ct
    volumes = source.volumes("real", Grid((12, 16, 16), Window(-1024, 600)))
    expected = (pixels.mean() + 1024) / 812 - 1
    assert volumes.volume(0).mean() == pytest.approx(expected, abs=1e-3)


def test_bare_arrays_are_taken_as_they_are_and_told(tmp_path: Path) -> None:
    for seed in range(2):
        np.save(tmp_path / f"sample{seed}.npy", body(seed))
    source = FolderSource.survey(tmp_path)
    volumes = source.volumes("fake", Grid((32, 32, 32), Window(-1, 1)))
    assert np.allclose(volumes.volume(1), body(1), atol=1e-6)
    assert "2 arrays have no .json" in source.notes[0]


def test_what_cannot_be_judged_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write_foreign(tmp_path, range(2))
    np.save(folder / "blank.npy", np.zeros((32, 32, 32), np.float32))
    broken = body(5)
    broken[0, 0, 0] = np.nan
    np.save(folder / "holed.npy", broken)
    (folder / "cut.nii.gz").write_bytes(b"\x1f\x8b\x08 no more")
    source = FolderSource.survey(folder)
    assert source.shapes == {(32, 32, 32): 2}
    told = " ".join(source.refused)
    for name, said in (("blank.npy", "every voxel is 0"), ("holed.npy", "NaN"), ("cut", "cut")):
        assert name in told
        assert said in told
    assert len(source.refused) == 3


def test_a_folder_of_nothing_usable_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "blank.npy", np.zeros((8, 8, 8), np.float32))
    with pytest.raises(BadInputError, match="none of 1 scans can be judged: E106 blank"):
        FolderSource.survey(tmp_path)


def test_other_shapes_are_stretched_only_when_asked(tmp_path: Path) -> None:
    folder = write_foreign(tmp_path, range(2))
    write_foreign(tmp_path, range(2, 3), side=16)
    source = FolderSource.survey(folder)
    window = Window(100, 900)
    assert len(source.volumes("x", Grid((32, 32, 32), window))) == 2
    stretched = source.volumes("x", Grid((32, 32, 32), window, resample=True))
    assert len(stretched) == 3
    assert stretched.volume(2).shape == (32, 32, 32)
    assert stretched.volume(2).mean() == pytest.approx(body(2, 16).mean(), abs=0.02)


def test_scan_windows_take_each_scans_own_quantiles(tmp_path: Path) -> None:
    folder = write_foreign(tmp_path, range(1))
    write_foreign(tmp_path, range(1, 2), scale=40, offset=50)
    volumes = FolderSource.survey(folder).volumes("x", Grid((32, 32, 32), None))
    highs = [np.quantile(volumes.volume(i), 0.999) for i in range(2)]
    assert highs == pytest.approx([1, 1], abs=0.05)


def test_the_progress_of_a_survey_counts_bad_scans_too(tmp_path: Path) -> None:
    folder = write_foreign(tmp_path, range(2))
    np.save(folder / "blank.npy", np.zeros((8, 8, 8), np.float32))
    told: list[int] = []
    FolderSource.survey(folder, lambda: told.append(1))
    assert len(told) == count_of(folder) == 3

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hagan.data.npy import read_npy, write_npy
from hagan.data.volume import Volume
from hagan.errors import ScanError


def refused(path: Path) -> str:
    with pytest.raises(ScanError) as caught:
        read_npy(path)
    return caught.value.code


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    path.with_suffix(".json").write_text(json.dumps({"affine": np.eye(4).tolist()}))
    return path


def test_voxels_affine_and_modality_come_back(tmp_path: Path) -> None:
    affine = np.array([[0, 0, -0.7, 20], [0, -0.8, 0, 30], [2.5, 0, 0, -100], [0, 0, 0, 1]])
    volume = Volume(np.random.default_rng(0).random((4, 5, 6)).astype(np.float32), affine, "ct")
    write_npy(volume, tmp_path / "a.npy")
    again = read_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(again.voxels, volume.voxels)
    np.testing.assert_array_equal(again.affine, volume.affine)
    assert again.modality == "ct"


def test_without_its_sidecar_the_orientation_is_unknown(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((4, 5, 6)))
    for content in ("{}", "[]", "no json", '{"affine": [1, 2]}', '{"affine": "x"}'):
        path.with_suffix(".json").write_text(content)
        assert refused(path) == "E108", content
    path.with_suffix(".json").unlink()
    assert refused(path) == "E108"


def test_what_is_no_volume_is_refused(tmp_path: Path) -> None:
    assert refused(saved(tmp_path / "4d.npy", np.zeros((3, 4, 5, 6)))) == "E104"
    assert refused(saved(tmp_path / "2d.npy", np.zeros((5, 6)))) == "E104"
    assert read_npy(saved(tmp_path / "one.npy", np.zeros((1, 4, 5, 6)))).shape == (4, 5, 6)
    assert refused(saved(tmp_path / "text.npy", np.array(["a"]))) == "E102"
    assert refused(tmp_path / "absent.npy") == "E101"


def test_damage_and_pickles_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((4, 5, 6)))
    path.write_bytes(path.read_bytes()[:-8])
    assert refused(path) == "E101"
    path.write_text("a text")
    assert refused(path) == "E102"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    assert refused(path) == "E102"

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.data.mgz import read_mgz
from hagan.errors import ScanError

AFFINE = np.array([[-1.0, 0, 0, 10], [0, 0, 1, -5], [0, -1, 0, 7], [0, 0, 0, 1]])


def voxels(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def saved(path: Path, shape: tuple[int, ...] = (8, 9, 10), dtype: type = np.uint8) -> Path:
    content = nib.MGHImage(voxels(shape, dtype), AFFINE).to_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".mgz" else content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ScanError) as caught:
        read_mgz(path)
    return caught.value.code


@pytest.mark.parametrize("suffix", [".mgz", ".mgh"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_reads_what_nibabel_wrote(tmp_path: Path, suffix: str, dtype: type) -> None:
    path = saved(tmp_path / f"norm{suffix}", dtype=dtype)
    volume = read_mgz(path)
    np.testing.assert_array_equal(volume.voxels, voxels((8, 9, 10), dtype))
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert volume.modality == "mr"


def test_four_dimensions_are_refused(tmp_path: Path) -> None:
    assert refused(saved(tmp_path / "t.mgz", (4, 5, 6, 3))) == "E104"


def test_damage_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "norm.mgz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path) == "E101"
    flipped = bytearray(whole)
    flipped[-6] ^= 1  # within the CRC, which nibabel never looks at
    path.write_bytes(flipped)
    assert refused(path) == "E109"
    path.write_text("a text")
    assert refused(path) == "E102"
    path.write_bytes(gzip.compress(b"\0" * 400))
    assert refused(path) == "E102"
    assert refused(tmp_path / "absent.mgz") == "E101"


def test_a_header_that_asks_for_terabytes_allocates_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "norm.mgh")
    bomb = bytearray(path.read_bytes())
    bomb[4:16] = np.array([30000] * 3, ">i4").tobytes()
    path.write_bytes(bomb)
    assert refused(path) == "E107"

"""The store's int16: every value, every layout of a file, and what is no array of a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.data import quantised
from hagan.data.quantised import FULL_SCALE, dequantise, quantise, read_voxels
from hagan.errors import BadInputError

EVERY = np.arange(-32768, 32768).astype(np.int16)


def plain(stored: np.ndarray) -> np.ndarray:
    """What a value is: one float32 division, by definition."""
    return stored.astype(np.float32) / np.float32(FULL_SCALE)


def voxels(shape: tuple[int, int, int] = (16, 9, 10)) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(-FULL_SCALE, FULL_SCALE + 1, shape).astype(np.int16)


def test_every_value_is_one_division() -> None:
    out = np.full(EVERY.shape, np.nan, np.float32)
    dequantise(EVERY, out)
    np.testing.assert_array_equal(out, plain(EVERY))
    assert (out[1], out[32768], out[-1]) == (-1, 0, 1)


def test_every_value_survives_a_round_trip() -> None:
    out = np.empty(EVERY.size - 1, np.float32)
    dequantise(EVERY[1:], out)
    np.testing.assert_array_equal(quantise(out), EVERY[1:])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("block", [1, 2 * 90 * 3, 2**19])
def test_files_of_both_orders_are_read_in_blocks_of_any_size(
    tmp_path: Path, mirrored: bool, order: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of 16 slices a block leave a shorter one at the end."""
    monkeypatch.setattr(quantised, "_BLOCK_BYTES", block)
    stored = voxels()
    np.save(tmp_path / "a.npy", np.asarray(stored, order=order))  # type: ignore[call-overload]
    expected = stored[..., ::-1] if mirrored else stored
    floats = np.full(stored.shape, np.nan, np.float32)
    read_voxels(tmp_path / "a.npy", floats, mirrored=mirrored)
    np.testing.assert_array_equal(floats, plain(expected))
    integers = np.zeros(stored.shape, np.int16)
    read_voxels(tmp_path / "a.npy", integers, mirrored=mirrored)
    np.testing.assert_array_equal(integers, expected)


def test_a_volume_of_many_blocks_is_read_whole(tmp_path: Path) -> None:
    stored = voxels((37, 128, 128))
    np.save(tmp_path / "a.npy", stored)
    out = np.full(stored.shape, np.nan, np.float32)
    read_voxels(tmp_path / "a.npy", out)
    np.testing.assert_array_equal(out, plain(stored))


def test_it_writes_between_other_volumes_and_nowhere_else(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", voxels())
    batch = np.full((3, 16, 9, 10), 7, np.float32)
    read_voxels(tmp_path / "a.npy", batch[1])
    assert (batch[[0, 2]] == 7).all()
    np.testing.assert_array_equal(batch[1], plain(voxels()))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "cannot read"),
        (b"not an array of any kind", "cannot read"),
        ("cut in the header", "cannot read"),
        ("cut in the voxels", "cut short"),
        ("one byte short", "cut short"),
        (np.zeros((16, 9, 10), np.float32), r"holds float32 \(16, 9, 10\), expected int16"),
        (np.zeros((16, 9, 11), np.int16), r"holds int16 \(16, 9, 11\), expected int16 \(16, 9"),
        (np.zeros((16, 90), np.int16), "expected int16"),
        (np.zeros((16, 9, 10), ">i2"), "holds >i2"),
        (np.array([None]), "expected int16"),
    ],
)
def test_what_is_no_array_of_the_store_is_said_in_one_line(
    tmp_path: Path, content: object, says: str
) -> None:
    path = tmp_path / "0001.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        np.save(path, voxels())
        keep = {"cut in the header": 40, "cut in the voxels": 1000, "one byte short": -1}[content]
        path.write_bytes(path.read_bytes()[:keep])
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(BadInputError, match=says) as caught:
        read_voxels(path, np.empty((16, 9, 10), np.float32))
    assert str(path) in str(caught.value)
    assert "run hagan prepare again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_a_later_format_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, voxels(), version=(3, 0))
    with pytest.raises(BadInputError, match=r"version \(3, 0\)"):
        read_voxels(tmp_path / "a.npy", np.empty((16, 9, 10), np.float32))
    with (tmp_path / "b.npy").open("wb") as file:
        np.lib.format.write_array(file, voxels(), version=(2, 0))
    out = np.empty((16, 9, 10), np.float32)
    read_voxels(tmp_path / "b.npy", out)
    np.testing.assert_array_equal(out, plain(voxels()))

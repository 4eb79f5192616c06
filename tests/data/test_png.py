"""The PNG writer against a reader made from the specification."""

from __future__ import annotations

import errno
import struct
import zlib
from pathlib import Path

import matplotlib.image
import numpy as np
import PIL.Image
import pytest

from hagan.data.png import SIGNATURE, png_bytes, write_png
from hagan.errors import DiskError


def read(content: bytes) -> tuple[np.ndarray, dict[str, str]]:
    assert content[:8] == SIGNATURE
    place, data, text = 8, b"", {}
    size = (0, 0)
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", content[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", body)
            assert rest == [8, 0, 0, 0, 0]
            size = (height, width)
        elif kind == b"tEXt":
            key, value = body.decode("latin-1").split("\0")
            text[key] = value
        elif kind == b"IDAT":
            data += zlib.decompress(body)
        place += 12 + length
    assert kind == b"IEND"
    rows = np.frombuffer(data, np.uint8).reshape(size[0], size[1] + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], text


def test_picture_and_text_come_back() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 11), dtype=np.uint8)
    read_image, text = read(png_bytes(image, {"Synthetic": "yes", "Software": "hagan \u4e00"}))
    np.testing.assert_array_equal(read_image, image)
    assert text == {"Synthetic": "yes", "Software": "hagan ?"}


def test_a_view_in_another_order_is_written_as_it_is_seen() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4).T[::-1]
    np.testing.assert_array_equal(read(png_bytes(image))[0], image)


def test_file_is_the_same_each_time(tmp_path: Path) -> None:
    image = np.eye(5, dtype=np.uint8)
    write_png(tmp_path / "a.png", image, {"Synthetic": "yes"})
    write_png(tmp_path / "b.png", image, {"Synthetic": "yes"})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.png", "b.png"]


def test_absent_folder_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="does not exist"):
        write_png(tmp_path / "none" / "a.png", np.eye(5, dtype=np.uint8))


def test_other_readers_see_the_same_pixels_and_text(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (13, 5), dtype=np.uint8)
    write_png(tmp_path / "a.png", image, {"Synthetic": "yes"})
    np.testing.assert_array_equal(np.rint(matplotlib.image.imread(tmp_path / "a.png") * 255), image)
    with PIL.Image.open(tmp_path / "a.png") as opened:
        assert opened.mode == "L"
        assert opened.info["Synthetic"] == "yes"
        np.testing.assert_array_equal(np.asarray(opened), image)


def test_a_failed_write_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_png(tmp_path / "a.png", np.eye(5, dtype=np.uint8))
    before = (tmp_path / "a.png").read_bytes()

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "no space left", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskError, match="disk is full"):
        write_png(tmp_path / "a.png", np.zeros((9, 9), np.uint8))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]

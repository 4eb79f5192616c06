"""Greyscale PNG files with text chunks, by the PNG specification and the standard library alone.

Training writes previews where no picture library is installed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.files import write_bytes_atomically

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREYSCALE = 0
_MAX_KEYWORD = 79


def write_png(path: Path, image: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> None:
    """Write a greyscale picture, whole or not at all; the same picture gives the same bytes.

    Args:
        path: The file; its folder must exist.
        image: Brightness [h, w], 0 black to 255 white.
        text: Keywords of at most 79 letters and their values, such as ``{"Synthetic": "yes"}``;
            they become tEXt chunks, in which Latin-1 is all there is.

    Raises:
        DiskError: The file cannot be written.
    """
    write_bytes_atomically(path, png_bytes(image, text))


def png_bytes(image: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> bytes:
    """The content of the file that `write_png` writes."""
    assert image.ndim == 2, image.shape
    assert image.dtype == np.uint8, image.dtype
    assert image.size > 0, image.shape
    height, width = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _GREYSCALE, 0, 0, 0)
    # Each row begins with the number of its filter; 0 leaves the row as it is.
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = image
    chunks = [_chunk(b"IHDR", header)]
    chunks += [_chunk(b"tEXt", _text(key, value)) for key, value in (text or {}).items()]
    chunks += [_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunks)


def _text(keyword: str, value: str) -> bytes:
    assert 0 < len(keyword) <= _MAX_KEYWORD, keyword
    return b"\0".join(part.encode("latin-1", "replace") for part in (keyword, value))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

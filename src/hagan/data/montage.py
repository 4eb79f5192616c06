"""One picture of many volumes: rows of volumes, each in its three middle planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

READABLE = 96
"""Pixels that a plane should have along its longest side; smaller ones are enlarged."""

_GAP = 2
_BETWEEN_VOLUMES = 8
_MARGIN = 4
_INK = 255
_PAPER = 40
_LETTER_SCALE = 2

# Letters of 3 x 5 dots: one octal digit a row from the top, its bits the dots from the left.
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-+/%()="
_SHAPES = """
25755 65656 34443 65556 74647 74644 34553 55755 72227 11152 55655 44447 57755
65555 25552 65644 25573 65655 34216 72222 55557 55522 55775 55255 55222 71247
75557 26227 61247 61216 55711 74616 34652 71244 25252 25316
00002 00024 02020 00700 02720 11244 51245 24442 21112 07070
"""
_LETTERS = dict(zip(_ALPHABET, _SHAPES.split(), strict=True))


def montage(
    rows: Sequence[tuple[str, Sequence[NDArray[np.float32]]]], *, scale: int | None = None
) -> NDArray[np.uint8]:
    """Draw rows of volumes, each as its axial, coronal and sagittal middle plane side by side.

    The head is up, and in the axial plane the front; the patient's right is on the left of the
    axial and coronal planes, as radiologists look at them, and the sagittal plane faces left.

    Args:
        rows: A label and the row's volumes [d, h, w] in [-1, 1], axes as in `hagan.types`; a row
            without volumes is left out. Volumes may differ in shape. Labels show letters, digits
            and some marks, all in capitals.
        scale: Pixels a voxel; none enlarges small volumes to a readable size.

    Returns:
        Brightness [rows, columns].
    """
    filled = [(label, volumes) for label, volumes in rows if len(volumes)]
    assert filled, "a montage needs at least one volume"
    if scale is None:
        longest = max(max(volume.shape) for _, volumes in filled for volume in volumes)
        scale = max(1, round(READABLE / longest))
    strips: list[NDArray[np.uint8]] = []
    for label, volumes in filled:
        strips.append(_letters(label))
        strips.append(_beside([_planes(volume, scale) for volume in volumes], _BETWEEN_VOLUMES))
    return _framed(_below(strips))


def middle_planes(
    volume: NDArray[Any], at: tuple[int, int, int] | None = None
) -> tuple[NDArray[Any], ...]:
    """Axial [h, w], coronal [d, w] and sagittal [d, h] middle plane of a volume [d, h, w].

    The first row of each is the top of the picture: the front in the axial plane, else the head.

    Args:
        volume: Any values.
        at: Where the planes lie instead of in the middle.
    """
    d, h, w = at or (size // 2 for size in volume.shape)
    return volume[d], volume[::-1, h], volume[::-1, :, w]


def _planes(volume: NDArray[np.float32], scale: int) -> NDArray[np.uint8]:
    assert volume.ndim == 3, volume.shape
    return _beside([_grey(plane, scale) for plane in middle_planes(volume)], _GAP)


def _grey(plane: NDArray[np.float32], scale: int) -> NDArray[np.uint8]:
    # A diverged model gives NaN; black shows it without a warning.
    known = np.nan_to_num(plane, nan=-1.0)
    return _enlarged(np.rint((np.clip(known, -1, 1) + 1) * 127.5), scale)


def _enlarged(image: NDArray[Any], scale: int) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = image.astype(np.uint8)
    return np.repeat(np.repeat(grey, scale, axis=0), scale, axis=1)


def _beside(images: Sequence[NDArray[np.uint8]], gap: int) -> NDArray[np.uint8]:
    height = max(image.shape[0] for image in images)
    width = sum(image.shape[1] for image in images) + gap * (len(images) - 1)
    canvas = np.full((height, width), _PAPER, np.uint8)
    column = 0
    for image in images:
        canvas[: image.shape[0], column : column + image.shape[1]] = image
        column += image.shape[1] + gap
    return canvas


def _below(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return _beside([image.T for image in images], _MARGIN).T


def _framed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    canvas = np.full([size + 2 * _MARGIN for size in image.shape], _PAPER, np.uint8)
    canvas[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = image
    return canvas


def _letters(text: str) -> NDArray[np.uint8]:
    """A line of text; what the font lacks becomes a space."""
    dots = np.zeros((5, max(4 * len(text), 1)), bool)
    for place, letter in enumerate(text.upper()):
        for row, digit in enumerate(_LETTERS.get(letter, "00000")):
            dots[row, 4 * place : 4 * place + 3] = [int(digit) & bit for bit in (4, 2, 1)]
    return _enlarged(np.where(dots, _INK, _PAPER), _LETTER_SCALE)

"""Pictures of volumes with a region outlined: rows of a way through latent space, and as a film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from scipy import ndimage

from hagan.data.montage import READABLE, middle_planes
from hagan.data.morphology import Mask
from hagan.evaluation.sets import Voxels

OUTLINE = (255, 176, 0)
INK = (235, 235, 235)
PAPER = (40, 40, 40)

GAP = 6
LETTERS = 16
"""Pixels of a line of text."""

FRAME_MS = 350


@dataclass(frozen=True)
class Shown:
    """One volume of a row."""

    caption: str
    voxels: Voxels
    mask: Mask | None = None
    """What is outlined."""


Place: TypeAlias = tuple[int, int, int]
"""Where the axial, the coronal and the sagittal plane lie."""


def widest(row: Sequence[Shown]) -> Place | None:
    """Where the regions of all volumes together are widest; none without any."""
    masks = [one.mask for one in row if one.mask is not None]
    if not masks or not any(mask.any() for mask in masks):
        return None
    total = np.sum(masks, axis=0)
    d, h, w = (int(total.sum(axis=axes).argmax()) for axes in ((1, 2), (0, 2), (0, 1)))
    return d, h, w


def outlined(shown: Shown, at: Place | None = None) -> NDArray[np.uint8]:
    """Axial, coronal and sagittal plane one below the other, [rows, columns, 3].

    Args:
        shown: The volume.
        at: Where the planes lie; by default in the middle.
    """
    scale = max(1, round(READABLE / max(shown.voxels.shape)))
    masks: Sequence[NDArray[np.float32] | None] = (None, None, None)
    if shown.mask is not None:
        masks = middle_planes(shown.mask.astype(np.float32), at)
    planes = [
        _plane(plane, mask, scale)
        for plane, mask in zip(middle_planes(shown.voxels, at), masks, strict=True)
    ]
    width = max(plane.shape[1] for plane in planes)
    height = LETTERS + sum(plane.shape[0] + 2 for plane in planes)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = PAPER
    row = LETTERS
    for plane in planes:
        canvas[row : row + plane.shape[0], : plane.shape[1]] = plane
        row += plane.shape[0] + 2
    return _captioned(canvas, shown.caption)


def _plane(
    plane: NDArray[np.float32], mask: NDArray[np.float32] | None, scale: int
) -> NDArray[np.uint8]:
    known = np.nan_to_num(plane, nan=-1.0)
    grey = np.rint((np.clip(known, -1, 1) + 1) * 127.5).astype(np.uint8)
    image = np.repeat(np.repeat(np.repeat(grey[..., None], 3, 2), scale, 0), scale, 1)
    if mask is not None:
        region = np.repeat(np.repeat(mask > 0.5, scale, 0), scale, 1)
        image[region & ~ndimage.binary_erosion(region)] = OUTLINE
    return image


def _captioned(canvas: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    picture = Image.fromarray(canvas)
    ImageDraw.Draw(picture).text((2, 2), caption, fill=INK)
    return np.asarray(picture)


def rows_png(rows: Sequence[tuple[str, Sequence[Shown]]], text: Mapping[str, str]) -> bytes:
    """A PNG of rows of outlined volumes, each below its title.

    Args:
        rows: Title and volumes.
        text: Chunks of text, such as ``{"Synthetic": "yes"}``.
    """
    strips: list[NDArray[np.uint8]] = []
    for title, shown in rows:
        at = widest(shown)
        tiles = [outlined(one, at) for one in shown]
        height = max(tile.shape[0] for tile in tiles)
        width = sum(tile.shape[1] + GAP for tile in tiles)
        strip = np.empty((height + LETTERS, width, 3), np.uint8)
        strip[:] = PAPER
        column = 0
        for tile in tiles:
            strip[LETTERS : LETTERS + tile.shape[0], column : column + tile.shape[1]] = tile
            column += tile.shape[1] + GAP
        strips.append(_captioned(strip, title))
    width = max(strip.shape[1] for strip in strips)
    canvas = np.empty((sum(strip.shape[0] + GAP for strip in strips), width, 3), np.uint8)
    canvas[:] = PAPER
    row = 0
    for strip in strips:
        canvas[row : row + strip.shape[0], : strip.shape[1]] = strip
        row += strip.shape[0] + GAP
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    buffer = BytesIO()
    Image.fromarray(canvas).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def film(shown: Sequence[Shown], comment: str) -> bytes:
    """A GIF that goes through volumes and back, endlessly.

    Args:
        shown: At least one.
        comment: What the file says of itself.
    """
    at = widest(shown)
    frames = [Image.fromarray(outlined(one, at)) for one in shown]
    frames += frames[-2:0:-1]
    buffer = BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=FRAME_MS,
        loop=0,
        comment=comment.encode(),
    )
    return buffer.getvalue()

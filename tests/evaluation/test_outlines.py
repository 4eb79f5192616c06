"""Pictures with a region outlined."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from hagan.evaluation.outlines import OUTLINE, Shown, film, outlined, rows_png, widest


def shown(caption: str = "5.2", place: int = 10) -> Shown:
    voxels = np.linspace(-1, 1, 32**3, dtype=np.float32).reshape(32, 32, 32)
    mask = np.zeros(voxels.shape, bool)
    mask[4:9, 20:28, place : place + 6] = True
    return Shown(caption, voxels, mask)


def test_planes_go_where_the_region_is() -> None:
    at = widest([shown(), shown(place=12)])
    assert at is not None
    d, h, w = at
    assert (4 <= d < 9, 20 <= h < 28, 12 <= w < 16) == (True, True, True)
    assert widest([Shown("", shown().voxels)]) is None


def test_the_outline_is_drawn_and_the_inside_is_left() -> None:
    one = shown()
    picture = outlined(one, widest([one]))
    plain = outlined(Shown(one.caption, one.voxels), widest([one]))
    changed = (picture != plain).any(axis=-1)
    assert (picture[changed] == OUTLINE).all()
    # Three planes, each a rectangle of lines one pixel wide at three pixels a voxel.
    edges = [2 * (3 * a + 3 * b) - 4 for a, b in ((8, 6), (5, 6), (5, 8))]
    assert changed.sum() == sum(edges)


def test_rows_are_a_png_that_says_what_it_is() -> None:
    data = rows_png([("a", [shown(), shown()]), ("b", [shown()])], {"Synthetic": "yes"})
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.text["Synthetic"] == "yes"  # type: ignore[attr-defined]
        width, height = picture.size
    assert width >= 2 * 96
    assert height >= 2 * 3 * 96


def test_a_film_goes_there_and_back() -> None:
    data = film([shown(), shown(place=14), shown(place=18)], "SYNTHETIC")
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.n_frames == 4  # type: ignore[attr-defined]
        assert picture.info["loop"] == 0
        assert picture.info["comment"] == b"SYNTHETIC"


def test_a_diverged_volume_is_shown() -> None:
    outlined(Shown("nan", np.full((32, 32, 32), np.nan, np.float32)))

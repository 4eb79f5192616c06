from __future__ import annotations

import numpy as np
import pytest

from hagan.data.placement import Geometry, Window, as_rows
from hagan.errors import BadInputError


def test_the_window_of_the_paper() -> None:
    window = Window(-1024, 600)
    values = window.window(np.array([-2000, -1024, -212, 600, 3000], np.float32))
    np.testing.assert_allclose(values, [-1, -1, 0, 1, 1], atol=1e-6)


def test_unwindow_undoes_it() -> None:
    window = Window(-1024, 600)
    hu = np.arange(-1024, 601, dtype=np.float32)
    np.testing.assert_allclose(window.unwindow(window.window(hu)), hu, atol=1e-3)


def test_geometry_survives_json_exactly() -> None:
    geometry = Geometry(
        volume_shape=(64, 48, 32),
        spacing=(2.5, 0.1 + 0.2, 1 / 3),
        affine=as_rows(np.eye(4) / 3),
        modality="ct",
        protocol="thorax-ct",
        window_low=-1024.0,
        window_high=600.0,
        class_names=("0", "1"),
    )
    assert Geometry.from_json(geometry.to_json()) == geometry
    assert "\n" not in geometry.to_json()
    assert geometry.window == Window(-1024.0, 600.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"spacing": 1}'])
def test_what_is_no_geometry(text: str) -> None:
    with pytest.raises(BadInputError):
        Geometry.from_json(text)

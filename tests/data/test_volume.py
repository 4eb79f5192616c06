from __future__ import annotations

import numpy as np
import pytest

from hagan.data.volume import Volume


def test_shape_and_spacing_follow_the_axes() -> None:
    affine = np.array([[0, 0, -0.5, 1], [0, -2, 0, 2], [3, 0, 0, 3], [0, 0, 0, 1.0]])
    volume = Volume(np.zeros((4, 5, 6), np.float32), affine)
    assert volume.shape == (4, 5, 6)
    assert volume.spacing == (3.0, 2.0, 0.5)


def test_a_volume_has_three_axes() -> None:
    with pytest.raises(AssertionError, match="three axes"):
        Volume(np.zeros((4, 5), np.float32), np.eye(4))

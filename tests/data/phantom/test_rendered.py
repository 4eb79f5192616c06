"""What a rendered phantom carries."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hagan.data.phantom.rendered import Rendered


def test_masks_are_optional_and_not_shared() -> None:
    first = Rendered(np.zeros((2, 2, 2), np.float32), {"age": 50.0})
    second = Rendered(np.zeros((2, 2, 2), np.float32), {})
    assert first.masks == {}
    assert first.masks is not second.masks


def test_cannot_be_rebound() -> None:
    phantom = Rendered(np.zeros((2, 2, 2), np.float32), {})
    with pytest.raises(FrozenInstanceError):
        phantom.truth = {"age": 1.0}  # type: ignore[misc]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.data.dicom_geometry import (
    Slice,
    affine_of,
    check_alike,
    check_gaps,
    in_order,
)
from hagan.errors import ScanError


def at(z: float, x: float = 0.0, name: str = "") -> Slice:
    return Slice(
        path=Path(name or f"{z:g}.dcm"),
        instance=f"{z}-{x}",
        modality="ct",
        position=np.array([x, 0.0, z]),
        axes=np.array([[1.0, 0, 0], [0, 1, 0]]),
        spacing=np.array([1.0, 1.0]),
        pixels=np.zeros((4, 4), np.float32),
    )


def test_slices_are_sorted_by_position_and_not_by_name() -> None:
    ordered = in_order([at(5), at(10), at(0)], "scan")
    assert [item.position[2] for item in ordered] == [0, 5, 10]
    np.testing.assert_allclose(affine_of(ordered)[:3, 0], (0, 0, 5))


def test_missing_slices_in_several_places_are_all_counted() -> None:
    with pytest.raises(ScanError, match=r"gap 2 mm at z=2 \(expected 1\)\. 3 slices missing"):
        check_gaps([at(z) for z in (0, 1, 2, 4, 5, 6, 7, 10, 11)], "scan")


def test_one_missing_slice_is_singular() -> None:
    with pytest.raises(ScanError, match="1 slice missing"):
        check_gaps([at(z) for z in (0, 1, 2, 4, 5)], "scan")


@pytest.mark.parametrize(("shift", "is_fault"), [(0.005, False), (0.04, True)])
def test_the_tolerance_is_one_percent_of_the_gap(shift: float, is_fault: bool) -> None:
    slices = [at(3 * z + (shift * 3 if z == 2 else 0)) for z in range(6)]
    if is_fault:
        with pytest.raises(ScanError, match="E112"):
            check_gaps(slices, "scan")
    else:
        check_gaps(slices, "scan")


def test_axes_that_are_not_perpendicular() -> None:
    bad = at(0)
    bad.axes[1] = (0.5, 0.5, 0)
    with pytest.raises(ScanError, match="E108"):
        check_alike([bad, bad, bad], "scan")

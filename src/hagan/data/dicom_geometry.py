"""Do the slices of a series form a volume? Checks of position, spacing, tilt and likeness.

Coordinates here are DICOM's own: millimetres in LPS. Tolerance: 1 % of the median gap between
slices, and at least 0.02 mm, as positions are written with two decimals by some scanners.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.volume import Modality
from hagan.errors import ScanError

RELATIVE_TOLERANCE = 0.01
ABSOLUTE_TOLERANCE_MM = 0.02

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Slice:
    """One decoded slice.

    Attributes:
        path: Its file.
        instance: SOPInstanceUID.
        modality: CT or MR.
        position: Centre of the first pixel, LPS mm.
        axes: Unit vectors [2, 3] along which columns and rows are counted, in that order.
        spacing: Distance between rows and between columns, mm.
        pixels: Intensities [row, column].
    """

    path: Path
    instance: str
    modality: Modality
    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    spacing: NDArray[np.float64]
    pixels: NDArray[np.float32]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slice."""
        return np.cross(self.axes[0], self.axes[1])


def check_alike(slices: Sequence[Slice], name: str) -> None:
    """Refuse slices that cannot be stacked.

    Args:
        slices: At least one slice.
        name: What error texts call the scan.

    Raises:
        ScanError: E104 too few slices, E108 axes that are not perpendicular, E115 slices that
            differ in orientation, size, spacing or modality.
    """
    first = slices[0]
    if not np.allclose(first.axes @ first.axes.T, np.eye(2), atol=1e-3):
        raise ScanError("E108", f"{name}: {first.path.name}: rows and columns not perpendicular")
    for other in slices[1:]:
        where = f"{name}: {first.path.name} and {other.path.name} differ in"
        if not np.allclose(first.axes, other.axes, atol=1e-3):
            raise ScanError("E115", f"{where} orientation; choose the slices of one")
        if first.pixels.shape != other.pixels.shape:
            sizes = f"({_size(first)} and {_size(other)})"
            raise ScanError("E115", f"{where} size {sizes}; choose the slices of one")
        if not np.allclose(first.spacing, other.spacing, atol=1e-3):
            raise ScanError("E115", f"{where} pixel spacing; choose the slices of one")
        if first.modality != other.modality:
            raise ScanError("E115", f"{where} modality; choose the slices of one")
    if len(slices) < 3:
        raise ScanError("E104", f"{name}: {len(slices)} slice{'s'[: len(slices) - 1]} is no volume")


def in_order(slices: Sequence[Slice], name: str) -> list[Slice]:
    """Sort slices by position along the normal.

    Args:
        slices: Slices that are alike.
        name: What error texts call the scan.

    Returns:
        The slices with growing position.

    Raises:
        ScanError: E104 several images at every position, or E113 duplicates.
    """
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda item: (float(item.position @ normal), item.path.name))
    _check_duplicates(ordered, gaps_of(ordered), name)
    return ordered


def gaps_of(ordered: Sequence[Slice]) -> NDArray[np.float64]:
    """Distances between neighbouring slices along their normal, mm.

    Args:
        ordered: Slices in order.

    Returns:
        One less than there are slices.
    """
    normal = ordered[0].normal
    return np.diff(np.array([item.position @ normal for item in ordered]))


def tolerance_of(gaps: NDArray[np.float64]) -> float:
    """How far a gap may be from the median one, mm.

    Args:
        gaps: Distances between neighbouring slices.

    Returns:
        1 % of the median gap, but not below the rounding of positions.
    """
    return max(RELATIVE_TOLERANCE * float(np.median(gaps)), ABSOLUTE_TOLERANCE_MM)


def check_gaps(ordered: Sequence[Slice], name: str) -> None:
    """Refuse missing slices and uneven spacing.

    Args:
        ordered: Slices in order.
        name: What error texts call the scan.

    Raises:
        ScanError: E112.
    """
    gaps = gaps_of(ordered)
    expected, tolerance = float(np.median(gaps)), tolerance_of(gaps)
    wrong = np.flatnonzero(np.abs(gaps - expected) > tolerance)
    if len(wrong) == 0:
        return
    at = int(wrong[0])
    said = f"{name}: slice gap {gaps[at]:.4g} mm at {place_of(ordered[at])}"
    said = f"{said} (expected {expected:.4g})"
    mend = "or pass --on-gap interpolate"
    steps = np.rint(gaps[wrong] / expected)
    if np.all(steps >= 2) and np.all(np.abs(gaps[wrong] - steps * expected) <= steps * tolerance):
        missing = int((steps - 1).sum())
        noun = "slice" if missing == 1 else "slices"
        raise ScanError("E112", f"{said}. {missing} {noun} missing. Export again, {mend}.")
    raise ScanError("E112", f"{said}. Uneven spacing: export an evenly spaced series, {mend}.")


def check_tilt(ordered: Sequence[Slice], name: str) -> None:
    """Refuse slices that do not lie straight above one another.

    Args:
        ordered: Slices in order.
        name: What error texts call the scan.

    Raises:
        ScanError: E114 a tilted gantry, E115 slices shifted without a rule.
    """
    angle = tilt_of(ordered, name)
    if angle > 0:
        raise ScanError(
            "E114", f"{name}: gantry tilted by {angle:.1f} degrees; correct the tilt before "
            "export, or pass --on-tilt shear"
        )  # fmt: skip


def tilt_of(ordered: Sequence[Slice], name: str) -> float:
    """Find by how much the gantry was tilted.

    Args:
        ordered: Slices in order, evenly spaced or not.
        name: What error texts call the scan.

    Returns:
        Degrees between the slices' normal and the line along which they are stacked; 0 where they
        lie straight above one another.

    Raises:
        ScanError: E115 slices shifted without a rule.
    """
    gaps, normal = gaps_of(ordered), ordered[0].normal
    tolerance = tolerance_of(gaps)
    steps = np.diff([item.position for item in ordered], axis=0)
    sideways = steps - np.outer(steps @ normal, normal)
    if np.linalg.norm(sideways, axis=1).max() <= tolerance:
        return 0.0
    # A tilt shifts by the same amount a millimetre everywhere; anything else is no tilt.
    slope = np.median(sideways / gaps[:, None], axis=0)
    stray = np.linalg.norm(sideways - np.outer(gaps, slope), axis=1)
    angle = math.degrees(math.atan(float(np.linalg.norm(slope))))
    if stray.max() > tolerance or angle < 0.1:
        at = int(np.argmax(stray))
        raise ScanError(
            "E115", f"{name}: slices shifted sideways by "
            f"{np.linalg.norm(sideways[at]):.3g} mm at {place_of(ordered[at])}"
        )  # fmt: skip
    return angle


def affine_of(slices: Sequence[Slice]) -> NDArray[np.float64]:
    """Find where the stacked voxels [slice, row, column] lie.

    Args:
        slices: Slices in order.

    Returns:
        4 x 4: voxel index to millimetres in RAS.
    """
    first, last = slices[0], slices[-1]
    affine = np.eye(4)
    affine[:3, 0] = (last.position - first.position) / (len(slices) - 1)
    affine[:3, 1] = first.axes[1] * first.spacing[0]
    affine[:3, 2] = first.axes[0] * first.spacing[1]
    affine[:3, 3] = first.position
    return _LPS_TO_RAS @ affine


def _check_duplicates(ordered: Sequence[Slice], gaps: NDArray[np.float64], name: str) -> None:
    same = gaps < ABSOLUTE_TOLERANCE_MM
    if not same.any():
        return
    at = int(np.argmax(same))
    a, b = ordered[at], ordered[at + 1]
    positions = int(len(gaps) - same.sum()) + 1
    repeats, rest = divmod(len(ordered), positions)
    if rest == 0 and positions > 1 and a.instance != b.instance:
        # Every position has as many: time points, echoes or phases, not a slip of the export.
        starts = np.flatnonzero(np.concatenate([[True], ~same]))
        if np.all(np.diff(np.append(starts, len(ordered))) == repeats):
            raise ScanError(
                "E104", f"{name}: {repeats} images at every position (time points, echoes or "
                "phases); put each into a folder of its own"
            )  # fmt: skip
    what = "the same image twice" if a.instance == b.instance else "two images"
    raise ScanError(
        "E113", f"{name}: {what} at {place_of(a)} ({a.path.name}, {b.path.name}); remove one"
    )


def place_of(item: Slice) -> str:
    """Name where a slice lies, along the axis that it is most across.

    Args:
        item: A slice.

    Returns:
        Such as ``z=-112.5``.
    """
    axis = int(np.argmax(np.abs(item.normal)))
    return f"{'xyz'[axis]}={item.position[axis]:g}"


def _size(item: Slice) -> str:
    rows, columns = item.pixels.shape
    return f"{rows} x {columns}"

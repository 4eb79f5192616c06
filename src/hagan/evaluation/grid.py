"""The one grid and intensity scale that all sides of a comparison are judged on.

Sizes, windows and spacings that differ are the commonest way to a wrong figure, so each difference
is refused or told by name; nothing is stretched or scaled unasked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from hagan.data.placement import Window
from hagan.data.protocols import THORAX_WINDOW
from hagan.errors import BadInputError, UsageError
from hagan.evaluation.folders import FolderSource
from hagan.evaluation.sources import Grid, Shape, Source

LARGEST_SPREAD = 1.5
"""Third over first quartile of the brightest voxels: beyond it scans have scales of their own."""

SPACING_TOLERANCE = 0.05


def agree(
    sides: Mapping[str, Source],
    *,
    resample: bool = False,
    nearest: bool = False,
    window: tuple[float, float] | None = None,
    scan_windows: bool = False,
) -> tuple[dict[str, Grid], list[str]]:
    """Find the grid of every side.

    The shape is that of the first side which has one shape for all its volumes, the intensities
    are those of the first run or store; sides are looked at in their order, so put the real one
    first. Folders that lie within [-1, 1] or [0, 1] are taken as scaled already.

    Args:
        sides: By the name that error texts use.
        resample: Stretch files of another shape instead of refusing them.
        nearest: Stretch by repeating the nearest voxel.
        window: Lowest and highest intensity of files; None finds one.
        scan_windows: Give every file a window of its own quantiles, as for MR without a scale.

    Returns:
        A grid a side, all of one shape, and warnings.

    Raises:
        UsageError: Windows are asked for in two ways.
        BadInputError: Shapes, protocols or windows differ.
    """
    if window is not None and scan_windows:
        raise UsageError("give --window or --scan-windows, not both")
    if window is not None and not window[0] < window[1]:
        raise UsageError(f"window {window[0]:g} {window[1]:g} must be a lower and a higher number")
    shape = _shape(sides, resample)
    _same_preparation(sides)
    warnings = [*_spacing_warnings(sides)]
    common = Window(*window) if window else _common_window(sides)
    grids = {}
    for name, side in sides.items():
        own: Window | None = common
        if isinstance(side, FolderSource):
            scaled = None if window else scaled_already(side)
            if scaled is not None:
                warnings.append(
                    f"{name}: every voxel lies within {scaled.low:g} and {scaled.high:g}; taken as "
                    "scaled to that range already"
                )
            own = scaled or (None if scan_windows else common)
            warnings += _scale_warnings(name, side, own)
        grids[name] = Grid(shape, own, resample, nearest)
    return grids, warnings


def scaled_already(side: FolderSource) -> Window | None:
    """The range of files that were scaled to [-1, 1] or [0, 1] by whoever made them."""
    lowest = min(scan.lowest for scan in side.scans)
    highest = max(scan.highest for scan in side.scans)
    if lowest >= -1.001 and highest <= 1.001:
        return Window(-1.0, 1.0) if lowest < -0.001 else Window(0.0, 1.0)
    return None


def _shape(sides: Mapping[str, Source], resample: bool) -> Shape:
    known = [side.shapes for side in sides.values() if side.kind != "folder"]
    mixed = Counter[Shape]()
    for side in sides.values():
        mixed.update(side.shapes)
    first = next(iter(sides.values())).shapes
    shape = (known or [first])[0].most_common(1)[0][0]
    if resample or len(mixed) == 1:
        return shape
    told = []
    for name, side in sides.items():
        for other, count in side.shapes.most_common():
            if other != shape:
                size = " x ".join(map(str, other))
                told.append(f"{name} has {count} of {size}")
    size = " x ".join(map(str, shape))
    raise BadInputError(
        f"shapes differ: expected {size}, but {'; '.join(told[:3])}"
        f"{' and more' if len(told) > 3 else ''}; prepare both sides alike, or stretch with "
        "--resample"
    )


def _same_preparation(sides: Mapping[str, Source]) -> None:
    """Refuse stores and runs whose numbers do not mean the same."""
    known = [(name, side.geometry) for name, side in sides.items() if side.geometry is not None]
    for name, geometry in known[1:]:
        first_name, first = known[0]
        assert geometry is not None
        assert first is not None
        if geometry.protocol != first.protocol:
            raise BadInputError(
                f"{name} was prepared as {geometry.protocol}, {first_name} as {first.protocol}; "
                "prepare both alike"
            )
        # Brains have a window a scan; their medians may differ between cohorts.
        fixed = geometry.modality == "ct" or geometry.fixed_window or first.fixed_window
        windows = [(g.window_low, g.window_high) for g in (geometry, first)]
        if fixed and not np.allclose(windows[0], windows[1], atol=1e-3):
            own, other = (f"{low:g} to {high:g}" for low, high in windows)
            raise BadInputError(
                f"windows differ: {name} has {own}, {first_name} {other}; prepare both alike"
            )


def _common_window(sides: Mapping[str, Source]) -> Window:
    for side in sides.values():
        if side.geometry is not None:
            return side.geometry.window
    folder = next(
        (
            side
            for side in sides.values()
            if isinstance(side, FolderSource) and scaled_already(side) is None
        ),
        None,
    )
    if folder is None:
        return Window(-1.0, 1.0)
    low = float(np.median([scan.low for scan in folder.scans]))
    high = float(np.median([scan.high for scan in folder.scans]))
    return THORAX_WINDOW if folder.is_ct else Window(low, high)


def _spacing_warnings(sides: Mapping[str, Source]) -> list[str]:
    known: list[tuple[str, tuple[float, ...]]] = []
    for name, side in sides.items():
        spacings = _spacings(side)
        if spacings:
            known.append((name, tuple(np.median(spacings, axis=0).tolist())))
        elif side.geometry is not None:
            known.append((name, side.geometry.spacing))
    warnings = []
    for name, spacing in known[1:]:
        first_name, first = known[0]
        if not np.allclose(spacing, first, rtol=SPACING_TOLERANCE):
            own, other = (" x ".join(f"{x:.3g}" for x in s) for s in (spacing, first))
            warnings.append(
                f"voxel sizes differ: {name} has {own} mm, {first_name} {other} mm; volumes are "
                "compared voxel by voxel, so sizes of organs are not comparable"
            )
    return warnings


def _scale_warnings(name: str, side: FolderSource, window: Window | None) -> list[str]:
    if window is None:
        return []
    highs = [scan.high for scan in side.scans]
    lows = [scan.low for scan in side.scans]
    if spread(highs) > LARGEST_SPREAD:
        return [
            f"{name}: the brightest voxels differ {spread(highs):.1f}-fold between scans; they "
            "have scales of their own: use --scan-windows, or prepare them"
        ]
    width = window.high - window.low
    covered = float(np.median(highs)) - float(np.median(lows))
    outside = max(np.median(highs) - window.high, window.low - np.median(lows))
    if covered < 0.35 * width or (outside > 0.5 * width and window != THORAX_WINDOW):
        return [
            f"{name}: intensities from {np.median(lows):.4g} to {np.median(highs):.4g} do not suit "
            f"the window {window.low:g} to {window.high:g}; the sides may have different windows"
        ]
    return []


def spread(values: list[float]) -> float:
    """Ratio of the third to the first quartile: 1 where all are alike."""
    first, third = np.quantile(values, (0.25, 0.75))
    return float(third / first) if first > 0 else 1.0


def _spacings(source: Source) -> list[tuple[float, float, float]]:
    """Spacings that a folder's files declare; empty for other sources."""
    scans = source.scans if isinstance(source, FolderSource) else ()
    return [item.spacing for item in scans if item.spacing != (0.0, 0.0, 0.0)]

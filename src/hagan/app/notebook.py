"""A volume in a notebook: NiiVue's widget with the voxels, window and orientation of the viewer."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from hagan.app.volumes import Served
from hagan.data.formats import read_scan, stem_of
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume
from hagan.errors import UsageError


def show(
    volume: Volume | Path | str,
    *,
    window: str | tuple[float, float] | None = None,
    name: str | None = None,
    height: int = 400,
) -> Any:
    """Show a volume in a notebook, in three planes and 3D.

    Args:
        volume: A volume, as `Sampler.sample` gives one, or the path of a scan.
        window: Name of a CT window (wide, lung, mediastinum, bone), or the lowest and the highest
            intensity; by default as in the viewer.
        name: What it is called; by default the file's name.
        height: Of the widget, pixels.

    Returns:
        The widget, which a notebook shows as the last value of a cell.

    Raises:
        UsageError: The extra is not installed, or there is no such window.
        ScanError: The scan cannot be read rightly.
    """
    try:
        niivue = importlib.import_module("ipyniivue")
    except ImportError as error:
        raise UsageError(
            "notebooks need the extra notebook: pip install 'hagan[notebook]'"
        ) from error
    if isinstance(volume, Volume):
        shown, called = to_canonical(volume), "volume"
    else:
        shown, called = read_scan(Path(volume)), stem_of(Path(volume))
    served = Served.of(shown)
    low, high = _window(served, window)
    widget = niivue.NiiVue(height=height)
    content = {"data": served.nifti, "name": f"{name or called}.nii"}
    widget.load_volumes([content | {"cal_min": low, "cal_max": high}])
    return widget


def _window(served: Served, window: str | tuple[float, float] | None) -> tuple[float, float]:
    if window is None:
        return next(iter(served.windows.values()))
    if isinstance(window, str):
        if window not in served.windows:
            raise UsageError(f"no window {window!r}; choose {', '.join(served.windows)}")
        return served.windows[window]
    return window

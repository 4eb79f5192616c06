"""Volumes as they are served: NIfTI made in memory, what is known of them, and a bounded cache."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hagan.app.found import FoundVolume
from hagan.data.nifti import nifti_bytes
from hagan.data.volume import Volume
from hagan.errors import HaganError

HEADER_BYTES = 352
MOST_BYTES = 2**30
READERS_AT_ONCE = 2
"""A volume in reading takes some five times its size."""

AIR_HU = -500
"""Below it only CT goes: what NIfTI does not say of a scan, its air tells."""

CT_WINDOWS = {
    "wide": (-1000.0, 400.0),
    "lung": (-1350.0, 150.0),
    "mediastinum": (-160.0, 240.0),
    "bone": (-500.0, 1300.0),
}
"""Lowest and highest HU of the usual windows: -600/1500, 40/400 and 400/1800 as level/width."""

_SAMPLES = 200_000


@dataclass(frozen=True, eq=False)
class Served:
    """A volume in the form in which it is sent.

    Attributes:
        nifti: The whole .nii file.
        shape: Voxels along d, h, w.
        spacing: Millimetres along d, h, w.
        is_ct: Whether the intensities are Hounsfield units.
        low: Lowest intensity.
        high: Highest intensity.
        windows: Names of windows and their lowest and highest intensity, the default first.
    """

    nifti: bytes
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    is_ct: bool
    low: float
    high: float
    windows: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, volume: Volume) -> Served:
        """What is sent of a volume in canonical orientation."""
        low, high = float(volume.voxels.min()), float(volume.voxels.max())
        is_ct = volume.modality == "ct" or (volume.modality == "unknown" and low < AIR_HU)
        windows = CT_WINDOWS if is_ct else {"full": robust_range(volume.voxels)}
        return cls(
            nifti_bytes(volume), volume.shape, volume.spacing, is_ct, low, high, dict(windows)
        )

    @property
    def voxels(self) -> NDArray[Any]:
        """The voxels [d, h, w] as they are sent; no copy."""
        stored = {1: "|u1", 2: "<i2", 4: "<f4"}
        size = (len(self.nifti) - HEADER_BYTES) // int(np.prod(self.shape))
        flat = np.frombuffer(self.nifti, stored[size], offset=HEADER_BYTES)
        return flat.reshape(self.shape)

    @property
    def facts(self) -> dict[str, Any]:
        """What a page tells of it."""
        return {
            "shape": self.shape,
            "spacing": [round(size, 4) for size in self.spacing],
            "unit": "HU" if self.is_ct else "",
            "low": self.low,
            "high": self.high,
            "windows": [{"name": n, "low": a, "high": b} for n, (a, b) in self.windows.items()],
        }


def robust_range(voxels: NDArray[np.float32]) -> tuple[float, float]:
    """From the lowest to the highest intensity of what is not blank, few outliers left out."""
    some = voxels.ravel()[:: max(1, voxels.size // _SAMPLES)]
    blank = float(voxels.min())
    shown = some[some > blank]
    if not shown.size:
        return blank, max(float(voxels.max()), blank + 1)
    high = float(np.quantile(shown, 0.995))
    return blank, high if high > blank else blank + 1


class Volumes:
    """Reads volumes when they are asked for, and keeps the last ones."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], Served] = OrderedDict()
        self._lock = threading.Lock()
        self._reading = threading.BoundedSemaphore(READERS_AT_ONCE)

    def get(self, found: FoundVolume) -> Served:
        """A volume, read now or before.

        Raises:
            HaganError: It cannot be read; one line.
        """
        key = (found.id, found.version())
        with self._reading:
            with self._lock:
                served = self._kept.get(key)
                if served is not None:
                    self._kept.move_to_end(key)
                    return served
            served = Served.of(found.read())
        self._keep(key, served)
        return served

    def put(self, found: FoundVolume, volume: Volume) -> None:
        """Keep a volume that is in memory already."""
        self._keep((found.id, found.version()), Served.of(volume))

    def described(self, found: FoundVolume) -> dict[str, Any]:
        """What a page tells of a volume, or the one line that says why it cannot be shown."""
        about: dict[str, Any] = {
            "id": found.id,
            "name": found.name,
            "provenance": found.provenance,
            "note": found.note,
        }
        try:
            return about | self.get(found).facts
        except HaganError as error:
            return about | {"error": one_line(error)}

    def _keep(self, key: tuple[str, str], served: Served) -> None:
        with self._lock:
            self._kept[key] = served
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._bytes() > self.most_bytes:
                self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(len(served.nifti) for served in self._kept.values())


def one_line(error: HaganError) -> str:
    """An error's text without line breaks."""
    return " ".join(str(error).split())

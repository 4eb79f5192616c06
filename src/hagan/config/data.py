"""How scans become training volumes: the protocol, the grid and the intensity window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hagan.errors import UsageError

Protocol: TypeAlias = Literal["thorax-ct", "brain-t1", "generic"]
Crop: TypeAlias = Literal["slices", "body"]

OnGap: TypeAlias = Literal["fail", "interpolate", "skip"]
OnTilt: TypeAlias = Literal["fail", "shear"]

MIN_SIDE = 8
"""A grid of fewer voxels an axis shows no anatomy, and no network takes it."""


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """How every scan of a store is made; one store has one such configuration."""

    protocol: Protocol
    """What the scans show: the intensity window and what counts as blank follow from it."""

    volume_shape: tuple[int, int, int] = (128, 128, 128)
    """Voxels along d, h, w of every stored volume."""

    isotropic: bool = False
    """Keep the proportions of the body and pad, instead of stretching the scan to the grid as the
    paper does."""

    field_of_view_mm: float | None = None
    """With isotropic: length in millimetres of the longest side of the grid, the same for every
    scan, so that sizes stay comparable; none fits each scan on its own."""

    window: tuple[float, float] | None = None
    """Lowest and highest intensity to keep, in the scans' own units; none takes the protocol's."""

    top_quantile: float = 0.999
    """Part of the non-zero voxels that stays unclipped where no window is fixed (the paper clips
    the top 0.1 % of brain scans)."""

    from_head: bool = False
    """Brains only: the scans show whole heads. The brain is found, its shading removed, it is
    registered affinely to MNI152 at 1 mm, and its white matter is brought to 110."""

    crop: Crop = "slices"
    """What is cut away before the grid: blank axial slices at both ends, as the paper does, or, of
    a thorax, all that is not the body, and the box is then the body's."""

    air_column: str | None = None
    """Column of the table with the Hounsfield units that were measured of air in each thorax scan;
    its values are scaled so that air has -1000 and water keeps 0."""

    label_column: str | None = None
    """Column of the table whose values become the class labels."""

    def __post_init__(self) -> None:
        if self.protocol not in ("thorax-ct", "brain-t1", "generic"):
            raise UsageError(
                f"unknown protocol {self.protocol!r}; choose thorax-ct, brain-t1 or generic"
            )
        if self.from_head and self.protocol != "brain-t1":
            raise UsageError("--from-head goes with --protocol brain-t1")
        if self.crop not in ("slices", "body"):
            raise UsageError(f"unknown crop {self.crop!r}; choose slices or body")
        if self.crop == "body" and self.protocol != "thorax-ct":
            raise UsageError("--crop body goes with --protocol thorax-ct")
        if self.air_column is not None and self.protocol != "thorax-ct":
            raise UsageError("--air-column goes with --protocol thorax-ct")
        if any(size < MIN_SIDE for size in self.volume_shape):
            raise UsageError(
                f"volume shape {self.volume_shape} must be at least {MIN_SIDE} along each axis"
            )
        if self.window is not None:
            low, high = self.window
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise UsageError(f"window {low:g} {high:g} must be a lower and a higher number")
        if self.field_of_view_mm is not None:
            if not self.isotropic:
                raise UsageError("a field of view needs --isotropic")
            if not (math.isfinite(self.field_of_view_mm) and self.field_of_view_mm > 0):
                raise UsageError(f"field of view {self.field_of_view_mm:g} mm must be positive")
        if not 0.5 < self.top_quantile <= 1:
            raise UsageError(f"top quantile {self.top_quantile:g} must be above 0.5, at most 1")


@dataclass(frozen=True, kw_only=True)
class ReadConfig:
    """What may be mended in DICOM series that would else be refused; by default nothing."""

    on_gap: OnGap = "fail"
    """Series with missing or uneven slices: refuse them, interpolate up to three missing slices in
    a row, or leave them out without counting them as failed."""

    on_tilt: OnTilt = "fail"
    """Series of a tilted gantry: refuse them, or shear their slices straight."""

    assume_hu: bool = False
    """Take the stored values of a CT without rescale slope and intercept for Hounsfield units."""

"""Sulci as zero surfaces of band-limited noise that is constant across the depth of the cortex."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.brain_grid import SHAPE, SPACING, Array, Space, axis_positions
from hagan.data.phantom.brain_hull import Outline
from hagan.data.phantom.fields import blur, ellipsoid, spline_noise, stream

_LATTICE = 64
_LATTICE_MM = 3.0
_WAVELENGTHS_MM = (27.0, 15.0)
_BANDWIDTH = 0.18
_TEMPLATE_SHARE = 0.45
_DEPTHS_MM = ((20.0, 5.0), (1.5, 3.5))
_CROWDED = 1.65
_WIDENED = 1.5


@dataclass(frozen=True)
class Sheet:
    """A sulcus-like sheet of fluid.

    Attributes:
        across: Signed distance [d, h, w] across the sheet in unit mm.
        beyond: How far past the sheet's deep end [d, h, w] in unit mm, negative alongside it.
        width: Its half width as a multiple of the common one.
        stretches: Whether the common depth correction moves its deep end.
        limit: The same as `beyond` for ends that never move, or None.
    """

    across: Array
    beyond: Array
    width: float
    stretches: bool
    limit: Array | None = None


def build_sheets(subject: BrainSubject, space: Space, outline: Outline) -> list[Sheet]:
    """Lay out all sulci of both hemispheres on the work grid.

    Args:
        subject: Whose random streams to use.
        space: Anatomical coordinates.
        outline: Where the cerebrum ends.

    Returns:
        Primary and secondary sulci, the Sylvian fissure, the insular cleft and the midline.
    """
    rng = stream(subject.seed, subject.subject, "brain/sulci")
    core = ellipsoid(space.z, space.y, np.abs(space.x), (6, -4, 14), (22, 50, 21))
    limit = 4 - core
    sheets = []
    folded = _fold(subject, outline)
    for (across, crowded), (depth, spread) in zip(folded, _DEPTHS_MM, strict=True):
        uneven = np.float32(spread) * spline_noise(rng, 14, SHAPE)
        beyond = outline.depth - np.float32(depth) - uneven
        sheets.append(Sheet(across, beyond, 1.0, True, np.maximum(limit, crowded)))
    sheets += _sylvian(subject, space)
    sheets.append(Sheet(space.x, outline.beyond_fissure, 1.2, False))
    return sheets


def _fold(subject: BrainSubject, outline: Outline) -> list[tuple[Array, Array]]:
    """Signed distance [d, h, w] to primary and secondary sulci, and where crowding ends them."""
    depth = outline.depth
    near = np.flatnonzero((depth > -6) & (depth < 34))
    # The surface point under which a voxel lies is found along the blurred gradient: a sharp one
    # would break sulci along the medial axis.
    soft = blur(depth, 2.5)
    slopes = [_slope(soft, axis).reshape(-1)[near] for axis in range(3)]
    steep = np.maximum(sum(s * s for s in slopes), np.float32(0.3))
    reach = np.clip(soft.reshape(-1)[near], -6, 24) / steep

    rng = stream(subject.seed, subject.subject, "brain/fold-warp")
    bend = np.clip(depth.reshape(-1)[near], 0, 20) * np.float32(4.5 / 15)
    points = []
    for axis in range(3):
        sway = spline_noise(rng, (12, 14, 11), SHAPE).reshape(-1)[near]
        places = np.broadcast_to(_along(axis), SHAPE).reshape(-1)[near]
        points.append(places - slopes[axis] * reach + bend * sway)

    w = np.unravel_index(near, SHAPE)[2]
    left = w >= SHAPE[2] // 2
    folded: list[tuple[Array, Array]] = []
    noises = [_noise(subject, name) for name in ("right", "left")]
    for band, wavelength in enumerate(_WAVELENGTHS_MM):
        values = np.zeros(near.shape, np.float32)
        for half, noise in enumerate(noises):
            chosen = left == bool(half)
            index = np.stack([p[chosen] / np.float32(_LATTICE_MM) for p in points])
            values[chosen] = ndimage.map_coordinates(
                noise[band], index, order=3, mode="grid-wrap", prefilter=False, output=np.float32
            )
        field = np.zeros(SHAPE, np.float32)
        field.reshape(-1)[near] = values
        along_d, along_h, along_w = (_slope(field, axis) for axis in range(3))
        slope: Array = np.sqrt(along_d**2 + along_h**2 + along_w**2)
        typical = 2 * np.pi / wavelength
        floored: Array = np.maximum(slope, np.float32(0.35 * typical))
        across: Array = np.divide(field, floored, dtype=np.float32)
        # Towards the medial axis the projection squeezes the pattern: sulci end before they
        # become a spray of specks.
        crowded = blur(slope * np.float32(1 / typical), 1.0) - np.float32(_CROWDED)
        folded.append((across, np.float32(6) * crowded))
    return folded


def _along(axis: int) -> Array:
    shape = [1, 1, 1]
    shape[axis] = -1
    return axis_positions(axis).reshape(shape)


def _slope(field: Array, axis: int) -> Array:
    """Derivative of a field [d, h, w] along one axis, a unit mm."""
    slope: Array = np.gradient(field, np.float32(SPACING), axis=axis)
    return slope


def _noise(subject: BrainSubject, hemisphere: str) -> tuple[Array, Array]:
    """Spline coefficients of periodic noise at both wavelengths, unit standard deviation."""
    size = (_LATTICE, _LATTICE, _LATTICE)
    template = stream(0, 0, "brain/fold-template").standard_normal(size, dtype=np.float32)
    if hemisphere == "right":
        # Homologous sulci mirror each other across the midline.
        template = template[:, :, (-np.arange(_LATTICE)) % _LATTICE]
    own = stream(subject.seed, subject.subject, f"brain/fold-{hemisphere}")
    white = _TEMPLATE_SHARE * template + np.float32(
        np.sqrt(1 - _TEMPLATE_SHARE**2)
    ) * own.standard_normal(size, dtype=np.float32)
    spectrum = fft.rfftn(white)
    primary, secondary = (
        np.asarray(fft.irfftn(spectrum * ring, size), np.float32) for ring in _rings()
    )
    return primary, secondary


@lru_cache(maxsize=1)
def _rings() -> list[NDArray[np.float32]]:
    """Ring filters in k-space with the cubic-spline prefilter folded in."""
    along = 2 * np.pi * np.fft.fftfreq(_LATTICE)
    half = 2 * np.pi * np.fft.rfftfreq(_LATTICE)
    radius = np.sqrt(along[:, None, None] ** 2 + along[None, :, None] ** 2 + half**2)
    spline = (
        ((2 + np.cos(along)) / 3)[:, None, None]
        * ((2 + np.cos(along)) / 3)[None, :, None]
        * ((2 + np.cos(half)) / 3)
    )
    twice = np.full(len(half), 2.0)
    twice[[0, -1]] = 1.0
    rings = []
    for wavelength in _WAVELENGTHS_MM:
        centre = 2 * np.pi * _LATTICE_MM / wavelength
        ring = np.exp(-0.5 * ((radius - centre) / (_BANDWIDTH * centre)) ** 2)
        ring /= np.sqrt((ring**2 * twice).sum() / _LATTICE**3)
        rings.append((ring / spline).astype(np.float32))
    return rings


def _sylvian(subject: BrainSubject, space: Space) -> list[Sheet]:
    """The Sylvian fissure from the side and the cleft over the insula at its bottom."""
    z, y, side = space.z, space.y, np.abs(space.x)
    rng = stream(subject.seed, subject.subject, "brain/sylvian")
    wavy, bulging = (spline_noise(rng, (10, 12, 14), SHAPE) for _ in range(2))
    insula = np.float32(36) + 1.5 * bulging
    lower, upper = np.float32(-35), np.float32(30)
    height = z + 7 - np.float32(0.36) * (y + 20) + np.float32(3.5) * wavy
    lateral = np.maximum(np.maximum(insula - side, y - upper), lower - y)
    fissure = Sheet(height * np.float32(0.94), lateral, _WIDENED, False)

    tilted = z - np.float32(0.36) * (y + 6) - 1
    disc = ellipsoid(tilted, y, np.asarray(np.float32(0)), (3.0, -5.0, 0.0), (13.0, 25.0, 1.0))
    bowed = side - insula + np.float32(4 / 25**2) * (y + 5) ** 2
    return [fissure, Sheet(bowed, disc, _WIDENED, False)]

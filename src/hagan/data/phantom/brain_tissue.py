"""Tissue fractions from signed distances: exact slab coverage of the cortex, then deep layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hagan.data.phantom.brain_cortex import Sheet
from hagan.data.phantom.brain_grid import Array, Corner, Sampler, WorkSampler
from hagan.data.phantom.brain_hindbrain import Hindbrain

_RIM = 0.35
"""Fluid left on the outside by skull stripping, as a multiple of the sulcal half width."""

_FOLIUM_FLUID = 0.2
_FOLIUM_CORTEX = 1.8


@dataclass(frozen=True)
class Layer:
    """A solid structure that replaces whatever lay below it.

    Attributes:
        name: What it is.
        distance: Signed distance [d, h, w] in unit mm on a box of the work grid.
        corner: First index (d, h, w) of the box.
        gm: Share of grey matter in it.
        wm: Share of white matter; what is left is fluid.
        intensity: Brightness relative to white matter.
        outside: Whether it may reach outside the cerebrum, as the hindbrain does.
    """

    name: str
    distance: Array
    corner: Corner
    gm: float
    wm: float
    intensity: float
    outside: bool = False


@dataclass(frozen=True)
class Ribbon:
    """What the cortex is made from.

    Attributes:
        hull: Signed distance [d, h, w] to the cerebrum in unit mm.
        depth: Depth [d, h, w] under the surface of a hemisphere in unit mm.
        sheets: All sulci.
    """

    hull: Array
    depth: Array
    sheets: Sequence[Sheet]


@dataclass(frozen=True)
class Widths:
    """Solved sizes in image mm.

    Attributes:
        scale: Image mm a unit mm.
        half_width: Half width of a sulcus.
        thickness: Thickness of the cortex at a crown.
        deeper: Added depth of the sulci.
    """

    scale: float
    half_width: float
    thickness: float
    deeper: float


@dataclass(frozen=True)
class Tissue:
    """Fractions [d, h, w] of every voxel and its brightness before shading.

    Attributes:
        gm: Grey matter.
        wm: White matter.
        csf: Fluid.
        ventricles: Part of the fluid that lies in the lateral ventricles.
        hippocampi: Part of the grey matter that lies in the hippocampi.
        signal: Brightness, 0 outside the brain.
    """

    gm: Array
    wm: Array
    csf: Array
    ventricles: Array
    hippocampi: Array
    signal: Array


def slab(across: Array, half_width: float | Array, voxel: float) -> Array:
    """Cover each voxel by a slab: how much of [r - h/2, r + h/2] lies in [-w, w], over h.

    Clipping a signed distance instead would add half a voxel of fluid to every thin sulcus.

    Args:
        across: Distance r from the slab's middle.
        half_width: Half width w of the slab.
        voxel: Voxel size h in the same unit.

    Returns:
        The fraction covered, 0 to 1.
    """
    half = np.float32(voxel / 2)
    edge = np.asarray(half_width, np.float32)
    length = np.minimum(across + half, edge) - np.maximum(across - half, -edge)
    covered: Array = np.clip(length * np.float32(1 / voxel), 0, 1)
    return covered


def cover_cortex(
    hull: Array,
    depth: Array,
    sheets: Sequence[tuple[Array, Array, float]],
    widths: Widths,
    voxel: float,
) -> tuple[Array, Array, Array]:
    """Split the cerebrum into fluid, cortex and white matter.

    Args:
        hull: Signed distance to the cerebrum in unit mm, any shape.
        depth: Depth under a hemisphere's surface in unit mm, same shape.
        sheets: Distance across, distance beyond the deep end (both unit mm) and relative width.
        widths: Solved sizes.
        voxel: Voxel size in unit mm.

    Returns:
        Fractions (inside the hull, fluid, white matter), same shape.
    """
    w = widths.half_width / widths.scale
    # The cortex thins from crown to floor of a sulcus, 2.7 to 2.2 mm.
    sink = np.clip(depth * np.float32(1 / 16), 0, 1)
    ribbon = np.float32(widths.thickness / widths.scale) * (1 - np.float32(0.16) * sink)
    inverse = np.float32(1 / voxel)
    inside = np.clip(np.float32(0.5) - hull * inverse, 0, 1)
    solid = np.clip(np.float32(0.5) - (hull + np.float32(_RIM * w)) * inverse, 0, 1)
    white = np.clip(np.float32(0.5) - (hull + np.float32(_RIM * w) + ribbon) * inverse, 0, 1)
    for across, beyond, relative in sheets:
        past = np.maximum(beyond, 0)
        rounded = np.sqrt(across * across + past * past)
        half = w * relative
        solid = np.minimum(solid, 1 - slab(rounded, half, voxel))
        white = np.minimum(white, 1 - slab(rounded, ribbon + np.float32(half), voxel))
    return inside, inside - solid, np.minimum(white, solid)


def cover_cerebellum(
    outline: Array, phase: Array, pitch: Array, core: Array, voxel: float
) -> tuple[Array, Array, Array]:
    """Split the cerebellum into fluid between folia, cortex and white matter.

    Args:
        outline: Signed distance to the cerebellum in unit mm, any shape.
        phase: Number of the folium, whole in the middle of each fissure.
        pitch: Distance between fissures in unit mm.
        core: Signed distance to the white core in unit mm.
        voxel: Voxel size in unit mm.

    Returns:
        Fractions (inside the outline, fluid, white matter), same shape.
    """
    inverse = np.float32(1 / voxel)
    inside = np.clip(np.float32(0.5) - outline * inverse, 0, 1)
    number = np.rint(phase)
    across = (phase - number) * pitch
    # Every third fissure is deep: lobules between those, folia between the others.
    reach = np.where(number % 3 == 0, np.float32(16), np.float32(9))
    past = np.maximum(-outline - reach, 0)
    rounded = np.sqrt(across * across + past * past)
    rim = np.float32(_FOLIUM_FLUID) * np.float32(0.5)
    solid = np.clip(np.float32(0.5) - (outline + rim) * inverse, 0, 1)
    solid = np.minimum(solid, 1 - slab(rounded, _FOLIUM_FLUID, voxel))
    white = np.clip(np.float32(0.5) - (outline + rim + _FOLIUM_CORTEX) * inverse, 0, 1)
    white = np.minimum(white, 1 - slab(rounded, _FOLIUM_FLUID + _FOLIUM_CORTEX, voxel))
    white = np.maximum(white, np.clip(np.float32(0.5) - core * inverse, 0, 1))
    solid = np.maximum(solid, np.minimum(white, inside))
    return inside, inside - solid, np.minimum(white, solid)


def sheet_ends(sheet: Sheet, deeper: float) -> Array:
    """Distance past a sheet's end [d, h, w] in unit mm once its depth is settled."""
    beyond = sheet.beyond - np.float32(deeper) if sheet.stretches else sheet.beyond
    return beyond if sheet.limit is None else np.maximum(beyond, sheet.limit)


def compose(
    ribbon: Ribbon,
    hindbrain: Hindbrain,
    layers: Sequence[Layer],
    widths: Widths,
    intensities: tuple[float, float],
    sampler: Sampler | WorkSampler,
    voxel: float,
) -> Tissue:
    """Fill a grid with tissue.

    Args:
        ribbon: The cortex.
        hindbrain: Cerebellum and brain stem.
        layers: Deep structures from the first laid to the last.
        widths: Solved sizes.
        intensities: Brightness of (grey matter, fluid) relative to white matter.
        sampler: Brings work-grid fields to the grid that is wanted.
        voxel: That grid's voxel size in unit mm.

    Returns:
        The tissue on the sampler's grid.
    """
    sheets = [
        (sampler(s.across)[1], sampler(sheet_ends(s, widths.deeper))[1], s.width)
        for s in ribbon.sheets
    ]
    inside, csf, wm = cover_cortex(
        sampler(ribbon.hull)[1], sampler(ribbon.depth)[1], sheets, widths, voxel
    )
    gm = np.maximum(inside - csf - wm, 0)
    _lay_hindbrain(hindbrain, sampler, voxel, (inside, gm, wm, csf))
    signal = wm + np.float32(intensities[0]) * gm + np.float32(intensities[1]) * csf
    ventricles = np.zeros_like(gm)
    hippocampi = np.zeros_like(gm)
    inverse = np.float32(1 / voxel)
    for layer in layers:
        box, distance = sampler(layer.distance, layer.corner)
        if not distance.size:
            continue
        share = np.clip(np.float32(0.5) - distance * inverse, 0, 1)
        if not layer.outside:
            share = share * inside[box]
        rest = 1 - share
        for field, amount in (
            (gm, layer.gm),
            (wm, layer.wm),
            (csf, 1 - layer.gm - layer.wm),
            (ventricles, float(layer.name == "ventricles")),
            (hippocampi, float(layer.name == "hippocampi")),
            (signal, layer.intensity),
        ):
            field[box] *= rest
            if amount:
                field[box] += np.float32(amount) * share
    return Tissue(gm, wm, csf, ventricles, hippocampi, signal)


def _lay_hindbrain(
    hindbrain: Hindbrain,
    sampler: Sampler | WorkSampler,
    voxel: float,
    fields: tuple[Array, Array, Array, Array],
) -> None:
    """Replace what lies in the hindbrain, in place, in (inside, grey, white, fluid)."""
    corner = hindbrain.corner
    box, outline = sampler(hindbrain.cerebellum, corner)
    if not outline.size:
        return
    phase, pitch, core, stem = (
        sampler(f, corner)[1]
        for f in (hindbrain.phase, hindbrain.pitch, hindbrain.core, hindbrain.stem)
    )
    share, fluid, white = cover_cerebellum(outline, phase, pitch, core, voxel)
    stalk = np.clip(np.float32(0.5) - stem * np.float32(1 / voxel), 0, 1)
    amounts = (share, share - fluid - white, white, fluid)
    for field, amount, of_stem in zip(fields, amounts, (1, 0, 1, 0), strict=True):
        part = field[box] * (1 - share) + amount
        part *= 1 - stalk
        if of_stem:
            part += stalk
        field[box] = part

"""From a scan to a training volume in [-1, 1], by what the scan shows; and back.

Paper IV-A: thorax CT is clipped to [-1024, 600] HU, blank axial slices are trimmed, and the rest is
stretched to a cube. Brains are clipped at their top 0.1 % of voxels instead. Slices are trimmed at
the two ends only: one that is cut out of the middle would make the affine a lie. Whole heads become
brains in MNI152's space first (`head.py`), and of a thorax the body alone can be kept (`body.py`).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from hagan.config.data import PrepareConfig
from hagan.data.body import find_body
from hagan.data.placement import Affine, Placement, Window, as_rows
from hagan.data.step_picture import Step, Watch, unwatched
from hagan.data.thorax_regions import thorax_regions
from hagan.data.transforms import Box, box_above, crop, fit, resize
from hagan.data.volume import Modality, Volume
from hagan.errors import ScanError

THORAX_WINDOW = Window(-1024.0, 600.0)
"""Hounsfield units, paper IV-A."""

AIR_BELOW_HU = -500.0
SOFT_TISSUE_HU = (-250.0, 250.0)
AIR_PEAK_BELOW_HU = -700.0
SHOWN_MM = 2.5
"""Voxels on which the regions of pictures are found; finer ones cost a minute."""

SHOWN_REGIONS = {"lungs": "lung", "airways": "airways", "bone": "bone"}
"""Of a thorax, by what the picture calls them."""

MIN_AIR, MIN_SOFT_TISSUE = 0.005, 0.02
"""Parts of a thorax CT that are air and soft tissue at the very least."""


def prepare_volume(
    volume: Volume,
    config: PrepareConfig,
    mask: Volume | None = None,
    *,
    name: str = "scan",
    watch: Watch = unwatched,
) -> tuple[NDArray[np.float32], Placement]:
    """Bring one scan to the grid and the intensity range of a store.

    Args:
        volume: The scan in canonical orientation.
        config: Protocol, grid and window.
        mask: Positive where the brain is, on the scan's own grid; brains only.
        name: What error texts call the scan.
        watch: Called with each step, for pictures.

    Returns:
        Intensities [d, h, w] in [-1, 1], and where they lie and what they mean.

    Raises:
        ScanError: E106 nothing is left, E117 no credible Hounsfield units, E120 the mask does not
            fit, E122 the protocol does not fit, E124 a head without a brain, E125 a brain that
            does not come to lie on the template, E126 a thorax without a body.
        UsageError: Heads without the packages that they need.
    """
    assert mask is None or config.protocol == "brain-t1", "only brains take a mask"
    source, to_scanner = volume, None
    if config.from_head:
        volume, to_scanner = _brain(volume, config, mask, name, watch)
    elif mask is not None:
        volume = _masked(volume, mask, name)
        _check_protocol(volume, config, name)
        watch(Step("scan", source, mask.voxels > 0))
    else:
        _check_protocol(volume, config, name)
        if config.crop == "slices":
            watch(Step("scan", source))
    window = _window(volume.voxels, config, name)
    if config.crop == "body":
        body = find_body(volume, name=name)
        watch(Step("scan, body outlined", source, body))
        kept = np.where(body, volume.voxels, np.float32(window.low))
        volume = dataclasses.replace(volume, voxels=kept)
    if config.protocol == "thorax-ct" and watch is not unwatched:
        _show_regions(source, watch)
    clipped = np.clip(volume.voxels, np.float32(window.low), np.float32(window.high))
    box = _content(clipped, window.low, config, name)
    content = crop(dataclasses.replace(volume, voxels=clipped), box)
    if config.isotropic:
        grid = fit(content, config.volume_shape, _spacing(content, config, name), window.low)
    else:
        grid = resize(content, config.volume_shape)
    array = window.window(grid.voxels)
    if array.min() == array.max():
        raise ScanError("E106", f"{name}: blank between {window.low:g} and {window.high:g}")
    watch(Step("stored", dataclasses.replace(grid, voxels=array)))
    return array, Placement(
        affine=as_rows(grid.affine),
        spacing=grid.spacing,
        source_shape=source.shape,
        source_affine=as_rows(source.affine),
        crop=box,
        window=window,
        modality=_modality(volume, config),
        to_scanner=to_scanner,
    )


def _show_regions(scan: Volume, watch: Watch) -> None:
    """What a chest consists of, for pictures alone: nothing that is stored depends on it."""
    shape = [
        min(size, round(size * step / SHOWN_MM))
        for size, step in zip(scan.shape, scan.spacing, strict=True)
    ]
    coarse = resize(scan, (shape[0], shape[1], shape[2]))
    regions = thorax_regions(coarse.voxels, coarse.spacing)
    for label, region in SHOWN_REGIONS.items():
        watch(Step(f"{label}, outlined", coarse, regions[region]))


def restore_volume(array: NDArray[np.float32], placement: Placement) -> Volume:
    """Undo the window: intensities of the source on the grid of the store.

    Args:
        array: Intensities [d, h, w] in [-1, 1].
        placement: What ``prepare_volume`` said, or an entry of a store.

    Returns:
        The volume; its affine puts it where the source lies, or into MNI152's space where the
        source was registered to that.
    """
    affine = np.array(placement.affine, np.float64)
    voxels = placement.window.unwindow(array.astype(np.float32))
    return Volume(voxels, affine, placement.modality)


def check_hounsfield(voxels: NDArray[np.float32], name: str) -> None:
    """Refuse a thorax CT whose numbers cannot be Hounsfield units.

    Air must lie near -1000 and soft tissue around 0; a lost or doubled rescale intercept shifts
    both by 1024, and a scaled copy brings them together.

    Args:
        voxels: Intensities of any shape.
        name: What the error text calls the scan.

    Raises:
        ScanError: E117.
    """
    low, high = float(voxels.min()), float(voxels.max())
    told = f"{name}: values from {low:g} to {high:g} are no Hounsfield units of a thorax"
    air = voxels[voxels < AIR_BELOW_HU]
    if air.size < MIN_AIR * voxels.size:
        raise ScanError("E117", f"{told} (no air below {AIR_BELOW_HU:g}); export them again")
    soft = (voxels > SOFT_TISSUE_HU[0]) & (voxels < SOFT_TISSUE_HU[1])
    if np.count_nonzero(soft) < MIN_SOFT_TISSUE * voxels.size:
        raise ScanError("E117", f"{told} (no soft tissue around 0); export them again")
    counts, edges = np.histogram(np.maximum(air, -1100), bins=24, range=(-1100, AIR_BELOW_HU))
    peak = float(edges[int(np.argmax(counts))])
    if peak >= AIR_PEAK_BELOW_HU:
        raise ScanError("E117", f"{told} (air near {peak:g}, not -1000); export them again")


def _brain(
    head: Volume, config: PrepareConfig, mask: Volume | None, name: str, watch: Watch
) -> tuple[Volume, Affine]:
    """The brain of a whole head in MNI152's space, and the way back to the scanner's."""
    # Loaded for heads only: it needs packages that other scans do without.
    from hagan.data.head import brain_of_head

    _check_protocol(head, config, name)
    if mask is not None:
        _check_mask(mask, head, name)
    inside = None if mask is None else mask.voxels > 0
    found = brain_of_head(head, inside, name=name, watch=watch)
    return found.brain, as_rows(found.to_scanner)


def _masked(volume: Volume, mask: Volume, name: str) -> Volume:
    _check_mask(mask, volume, name)
    inside = mask.voxels > 0
    return dataclasses.replace(volume, voxels=np.where(inside, volume.voxels, np.float32(0)))


def _check_mask(mask: Volume, volume: Volume, name: str) -> None:
    if mask.shape != volume.shape:
        sizes = [" x ".join(map(str, shape)) for shape in (mask.shape, volume.shape)]
        raise ScanError("E120", f"{name}: the mask is {sizes[0]}, the scan {sizes[1]}")
    # A tenth of a voxel at the far corner: more shifts the mask, less is rounding in headers.
    corner = np.array([*volume.shape, 1.0])
    apart = max(
        float(np.abs((mask.affine - volume.affine) @ index).max())
        for index in (corner, np.array([0.0, 0.0, 0.0, 1.0]))
    )
    if apart > 0.1 * min(volume.spacing):
        raise ScanError("E120", f"{name}: the mask lies {apart:.3g} mm off the scan")
    if not (mask.voxels > 0).any():
        raise ScanError("E120", f"{name}: the mask is empty")


def _check_protocol(volume: Volume, config: PrepareConfig, name: str) -> None:
    if config.protocol == "thorax-ct":
        if volume.modality == "mr":
            raise ScanError("E122", f"{name}: an MR scan; choose --protocol brain-t1 or generic")
        check_hounsfield(volume.voxels, name)
    if config.protocol == "brain-t1":
        if volume.modality == "ct":
            raise ScanError("E122", f"{name}: a CT scan; choose --protocol thorax-ct or generic")
        negative = np.count_nonzero(volume.voxels < 0) / volume.voxels.size
        if negative > 0.01:
            raise ScanError(
                "E122", f"{name}: {negative:.0%} of the voxels are negative; use --protocol generic"
            )


def _window(voxels: NDArray[np.float32], config: PrepareConfig, name: str) -> Window:
    if config.window is not None:
        return Window(*config.window)
    if config.protocol == "thorax-ct":
        return THORAX_WINDOW
    if config.protocol == "brain-t1":
        bright = voxels[voxels > 0]
        if bright.size == 0:
            raise ScanError("E106", f"{name}: no voxel above 0 is left")
        return Window(0.0, float(np.quantile(bright, config.top_quantile)))
    low, high = np.quantile(voxels, (1 - config.top_quantile, config.top_quantile))
    if low == high:
        raise ScanError("E106", f"{name}: nearly every voxel is {low:g}; give --window")
    return Window(float(low), float(high))


def _content(clipped: NDArray[np.float32], blank: float, config: PrepareConfig, name: str) -> Box:
    """What is kept of the source before it is resized."""
    depth, height, width = clipped.shape
    if config.protocol == "generic":
        return (0, depth), (0, height), (0, width)
    box = box_above(clipped, blank)
    if box is None:
        raise ScanError("E106", f"{name}: blank, no voxel is above {blank:g}")
    if config.crop == "body" or (config.protocol == "brain-t1" and config.isotropic):
        return box
    return box[0], (0, height), (0, width)


def _spacing(content: Volume, config: PrepareConfig, name: str) -> float:
    """Side of the cubic voxels that hold the content, or of the field of view that was asked."""
    extents = [size * spacing for size, spacing in zip(content.shape, content.spacing, strict=True)]
    needed = max(extent / size for extent, size in zip(extents, config.volume_shape, strict=True))
    if config.field_of_view_mm is None:
        return needed
    spacing = config.field_of_view_mm / max(config.volume_shape)
    if spacing < needed:
        said = " x ".join(f"{extent:.0f}" for extent in extents)
        given = f"{config.field_of_view_mm:g} mm"
        raise ScanError("E122", f"{name}: {said} mm do not fit a field of view of {given}")
    return spacing


def _modality(volume: Volume, config: PrepareConfig) -> Modality:
    known: dict[str, Modality] = {"thorax-ct": "ct", "brain-t1": "mr"}
    return known.get(config.protocol, volume.modality)

"""Random streams, smooth random fields and signed distances that every phantom is built from.

Grids are cell-centred and ordered [d, h, w]; distances are negative inside a shape.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Array = NDArray[np.float32]
# The stubs of numpy call float32 times a Python number float64; at run time it stays float32.
Field = NDArray[np.floating[Any]]
Shape = tuple[int, int, int]
Box = tuple[slice, slice, slice]


def stream(seed: int, subject: int, name: str) -> np.random.Generator:
    """Open the random stream of one aspect of one subject.

    Streams of different seeds, subjects or names are independent, so one aspect can change while
    the others stay frozen. The hash is the same on every machine and Python.

    Args:
        seed: Seed of the cohort.
        subject: Number of the subject in the cohort.
        name: What the numbers are for, such as "warp" or "noise".

    Returns:
        A fresh generator at the start of its stream.
    """
    digest = hashlib.blake2b(f"{seed}/{subject}/{name}".encode(), digest_size=32).digest()
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(w) for w in words])))


def multiply_axes(matrices: Sequence[Array], field: Array) -> Array:
    """Multiply every axis of a field [d, h, w] by its matrix [new, old]."""
    along_d, along_h, along_w = matrices
    depth, height, width = field.shape
    # Three large products, not a batch of small ones: threaded BLAS on a busy machine takes ten
    # times as long over the batch.
    lifted = (along_d @ field.reshape(depth, height * width)).reshape(-1, height, width)
    turned = np.ascontiguousarray(lifted.transpose(1, 0, 2)).reshape(height, -1)
    product = (along_h @ turned).reshape(-1, width) @ along_w.T
    product = product.reshape(len(along_h), len(along_d), len(along_w))
    return np.ascontiguousarray(product.transpose(1, 0, 2))


def _spline_matrix(controls: int, size: int) -> Array:
    """Weights [size, controls] of a uniform cubic B-spline whose domain is the whole axis."""
    if controls < 4:
        raise ValueError(f"a cubic B-spline needs at least 4 controls an axis, got {controls}")
    position = (np.arange(size) + 0.5) / size * (controls - 3)
    first = np.minimum(position.astype(np.int64), controls - 4)
    t = position - first
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    matrix = np.zeros((size, controls), np.float32)
    rows = np.arange(size)
    for offset, weight in enumerate(weights):
        matrix[rows, first + offset] = weight
    return matrix


def _rows(matrices: Sequence[Array], box: Box | None) -> list[Array]:
    """Keep the rows of a box, so that only its voxels are computed."""
    if box is None:
        return list(matrices)
    return [matrix[part] for matrix, part in zip(matrices, box, strict=True)]


def spline_field(lattice: ArrayLike, shape: Shape, box: Box | None = None) -> Array:
    """Evaluate cubic B-spline control values on a grid.

    Args:
        lattice: Control values [kd, kh, kw], at least 4 along each axis. A constant lattice gives
            the same constant field.
        shape: Grid (d, h, w).
        box: Part of the grid to compute; all of it when left out.

    Returns:
        The field [d, h, w], or its box.
    """
    values = np.asarray(lattice, np.float32)
    matrices = [_spline_matrix(k, n) for k, n in zip(values.shape, shape, strict=True)]
    return multiply_axes(_rows(matrices, box), values)


def spline_noise(
    rng: np.random.Generator,
    controls: int | tuple[int, int, int],
    shape: Shape,
    box: Box | None = None,
) -> Array:
    """Draw smooth noise: white B-spline controls brought to unit standard deviation.

    The draw depends on `controls` only, so the same stream gives the same field on every grid.

    Args:
        rng: Where the numbers come from.
        controls: Control points along each axis, at least 4; one number serves all three.
        shape: Grid (d, h, w).
        box: Part of the grid to compute; all of it when left out.

    Returns:
        The field [d, h, w], or its box, mean 0 and standard deviation 1 in expectation.
    """
    counts = (controls, controls, controls) if isinstance(controls, int) else controls
    lattice = rng.standard_normal(counts, dtype=np.float32)
    matrices = [_spline_matrix(k, n) for k, n in zip(counts, shape, strict=True)]
    # A B-spline averages its controls: without this the field would lose two thirds of its spread.
    matrices = [m / np.sqrt((m**2).sum(axis=1).mean()) for m in matrices]
    return multiply_axes(_rows(matrices, box), lattice)


def _linear_matrix(old: int, new: int) -> Array:
    """Weights [new, old] of linear interpolation, extended linearly past the outer centres."""
    if old == 1:
        return np.ones((new, 1), np.float32)
    position = (np.arange(new) + 0.5) * (old / new) - 0.5
    first = np.clip(np.floor(position).astype(np.int64), 0, old - 2)
    t = position - first
    matrix = np.zeros((new, old), np.float32)
    rows = np.arange(new)
    matrix[rows, first] = 1 - t
    matrix[rows, first + 1] = t
    return matrix


def resize(field: Field, shape: Shape, box: Box | None = None) -> Array:
    """Bring a cell-centred field to another grid over the same extent by linear interpolation.

    Past the outermost centres the field is continued linearly, so coordinates stay exact. Nothing
    is averaged when the new grid is coarser.

    Args:
        field: Values [d, h, w]. Give signed distances, never their modulus: one interpolation of
            an unsigned distance fills thin sheets.
        shape: New grid (d, h, w).
        box: Part of the new grid to compute; all of it when left out.

    Returns:
        The field on the new grid [d, h, w], or its box.
    """
    values = np.asarray(field, np.float32)
    if values.shape == shape:
        return values if box is None else values[box]
    matrices = [_linear_matrix(o, n) for o, n in zip(values.shape, shape, strict=True)]
    return multiply_axes(_rows(matrices, box), values)


def blur(field: Field, sigma: float | tuple[float, float, float]) -> Array:
    """Blur with a Gaussian, edges repeated.

    Args:
        field: Values [d, h, w].
        sigma: Standard deviation in voxels, one for all axes or one each.

    Returns:
        The blurred field [d, h, w], float32.
    """
    blurred: Array = ndimage.gaussian_filter(
        np.asarray(field, np.float32), sigma, mode="nearest", truncate=3.0
    )
    return blurred


def smooth_min(a: Field, b: Field, radius: float) -> Array:
    """Join two signed distances with a fillet of the given radius (mm): a smooth union."""
    fillet = np.maximum(radius - np.abs(a - b), 0)
    joined: Array = np.minimum(a, b) - fillet * fillet * np.float32(0.25 / radius)
    return joined


def smooth_max(a: Field, b: Field, radius: float) -> Array:
    """Intersect two signed distances with a fillet of the given radius (mm)."""
    fillet = np.maximum(radius - np.abs(a - b), 0)
    common: Array = np.maximum(a, b) + fillet * fillet * np.float32(0.25 / radius)
    return common


def coverage(sdf: Field, voxel: float) -> Array:
    """Turn a signed distance (mm) into the fraction of each voxel (mm) inside, 0 to 1."""
    share: Array = np.clip(np.float32(0.5) - sdf * np.float32(1 / voxel), 0, 1)
    return share


def slab_coverage(distance: Field, half: float, voxel: float) -> Array:
    """Measure the share of each voxel inside a slab, exact however thin the slab is.

    Args:
        distance: Signed distance to the slab's middle sheet in mm; its sign must survive.
        half: Half the slab's thickness in mm.
        voxel: Voxel size in mm.

    Returns:
        Shares, 0 to 1.
    """
    reach = np.float32(voxel / 2)
    top = np.minimum(distance + reach, np.float32(half))
    bottom = np.maximum(distance - reach, np.float32(-half))
    share: Array = np.maximum(top - bottom, 0) * np.float32(1 / voxel)
    return share


def ellipsoid(
    z: Field,
    y: Field,
    x: Field,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
) -> Array:
    """Measure the signed distance to an ellipsoid, exact on its surface to first order.

    Args:
        z: Coordinate in mm, broadcast with the others.
        y: Coordinate in mm.
        x: Coordinate in mm.
        centre: Centre (z, y, x) in mm.
        radii: Half axes (z, y, x) in mm.

    Returns:
        The distance in mm, negative inside.
    """
    scaled: Field = np.zeros((), np.float32)
    steep: Field = np.zeros((), np.float32)
    for coordinate, middle, radius in zip((z, y, x), centre, radii, strict=True):
        ratio = (coordinate - np.float32(middle)) * np.float32(1 / radius)
        square = ratio * ratio
        scaled = scaled + square
        steep = steep + square * np.float32(1 / radius**2)
    level = np.sqrt(scaled)
    slope = np.sqrt(steep)
    distance = level * (level - np.float32(1)) / np.maximum(slope, np.float32(1e-6))
    # At the very centre the quotient is 0 / 0, whose limit is minus the smallest radius.
    inside: Array = np.where(level < 1e-3, np.float32(-min(radii)), distance)
    return inside


def capsule(
    z: Field,
    y: Field,
    x: Field,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    radius_a: float,
    radius_b: float,
) -> Array:
    """Measure the signed distance to a rod whose radius runs linearly from one end to the other.

    Args:
        z: Coordinate in mm, broadcast with the others.
        y: Coordinate in mm.
        x: Coordinate in mm.
        a: First end (z, y, x) in mm.
        b: Second end (z, y, x) in mm.
        radius_a: Radius in mm at the first end.
        radius_b: Radius in mm at the second end.

    Returns:
        The distance in mm, negative inside; exact when the radii are equal.
    """
    axis = [np.float32(end - start) for start, end in zip(a, b, strict=True)]
    offsets = [c - np.float32(start) for c, start in zip((z, y, x), a, strict=True)]
    length = np.float32(max(float(sum(v * v for v in axis)), 1e-6))
    along = (offsets[0] * axis[0] + offsets[1] * axis[1] + offsets[2] * axis[2]) / length
    along = np.clip(along, 0, 1)
    square: Field = np.zeros((), np.float32)
    for offset, step in zip(offsets, axis, strict=True):
        gap = offset - along * step
        square = square + gap * gap
    radius = np.float32(radius_a) + along * np.float32(radius_b - radius_a)
    distance: Array = np.sqrt(square) - radius
    return distance

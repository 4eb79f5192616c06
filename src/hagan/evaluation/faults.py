"""Known faults to plant in real volumes, to see which metrics notice them.

Every fault keeps the shape of the volumes and the range [-1, 1], and is the same for a seed. A
metric that cannot tell a set with such a fault from the set as it was cannot be trusted to find the
fault in a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.errors import UsageError
from hagan.evaluation.anchors import add_noise, flip, stitched
from hagan.evaluation.seams import slab_thickness
from hagan.evaluation.sets import Altered, Part, VolumeSet, Voxels

SLABS = 8
STEP_RANGE = (0.02, 0.05)
"""Size of a slab's offset in intensity: 16 to 41 HU in the thorax window, about its noise."""

KEPT_BY_COLLAPSE = 10
STRETCH = 1.2

AIR_BELOW = -0.25
"""Intensity between lung and soft tissue: -415 HU in the thorax window."""

AIRWAY_RADIUS = 0.03
"""Of the width: what is thinner is trachea or bronchus and not lung."""

WALL = 0.09
"""Of the width: how far from the lungs tissue still gives way."""

SMALLEST_LUNG = 0.005
"""Of the volume."""


@dataclass(frozen=True)
class Fault:
    """One way to spoil a set.

    Attributes:
        name: Short and stable, such as `blur-1`.
        sentence: What is wrong with the volumes.
        build: From a set and a seed to the set with the fault.
        thorax_only: Whether it means something for thorax CT alone.
    """

    name: str
    sentence: str
    build: Callable[[VolumeSet, int], VolumeSet]
    thorax_only: bool = False


def plant(fault: Fault, base: VolumeSet, seed: int) -> VolumeSet:
    """The set with a fault: as many volumes, of the same shape, in [-1, 1].

    Args:
        fault: One of `FAULTS`.
        base: Volumes without it.
        seed: Of what is drawn.

    Returns:
        A set under the fault's name. Volume k shows volume k of the base, but for faults of a whole
        set.

    Raises:
        UsageError: The base cannot have the fault: it is too small, or shows no lungs; the latter
            is told when the volume is read.
    """
    return fault.build(base, seed)


def blur(volume: Voxels, sigma: float) -> Voxels:
    """Blur by a Gaussian of a sigma in voxels."""
    blurred: Voxels = ndimage.gaussian_filter(volume, sigma, mode="nearest")
    return blurred


def add_steps(volume: Voxels, seed: int) -> Voxels:
    """Brighten or darken each of eight slabs along d by an amount of its own.

    Raises:
        UsageError: The slices do not make eight equal slabs.
    """
    thickness = slab_thickness(len(volume), SLABS)
    rng = np.random.default_rng(seed)
    offsets = rng.uniform(*STEP_RANGE, SLABS) * rng.choice([-1.0, 1.0], SLABS)
    steps = np.repeat(offsets, thickness).astype(np.float32)
    stepped: Voxels = volume + steps[:, None, None]
    return np.clip(stepped, -1, 1, out=stepped)


def swap_slices(volume: Voxels, seed: int) -> Voxels:
    """Exchange axial neighbours: of all pairs side by side, each with a chance of one half."""
    rng = np.random.default_rng(seed)
    order = np.arange(len(volume))
    firsts = np.arange(rng.integers(2), len(volume) - 1, 2)
    swapped = firsts[rng.random(len(firsts)) < 0.5]
    order[swapped], order[swapped + 1] = swapped + 1, swapped
    return volume[order]


def shuffle_block(volume: Voxels, seed: int) -> Voxels:
    """Put an eighth of the axial slices, at least three in a row in the middle half, in disorder.

    No slice of the block keeps its place.
    """
    depth = len(volume)
    length = max(3, depth // 8)
    rng = np.random.default_rng(seed)
    start = int(rng.integers(depth // 4, max(depth - depth // 4 - length, depth // 4) + 1))
    places = np.arange(start, min(start + length, depth))
    mixed = rng.permutation(places)
    while len(places) > 1 and (mixed == places).any():
        mixed = rng.permutation(places)
    order = np.arange(depth)
    order[places] = mixed
    return volume[order]


def stretch(volume: Voxels, factor: float) -> Voxels:
    """Stretch what is shown along d about the centre, as a wrong distance of slices does.

    Linear between slices; where a factor below 1 leaves slices empty they are -1.
    """
    centre = (len(volume) - 1) / 2
    stretched: Voxels = ndimage.affine_transform(
        volume,
        np.array([1 / factor, 1.0, 1.0]),
        offset=(centre - centre / factor, 0.0, 0.0),
        order=1,
        mode="constant",
        cval=-1.0,
    )
    return np.clip(stretched, -1, 1, out=stretched)


def shrink_lungs(volume: Voxels, amount: float) -> Voxels:
    """Make both lungs of a thorax CT smaller in place, by a smooth warp.

    Each lung contracts about its centroid; muscle, heart and diaphragm give way, and the skin and
    all beyond the chest wall stay where they are. Lung tissue keeps its intensity: the fault is
    one of shape alone. On thorax phantoms of 64 voxels a side 9.1 to 10.6 % of the air went where
    10 % was asked, and 23.1 to 25.5 % for 25 %.

    Args:
        volume: A thorax [d, h, w] with lungs below and soft tissue above -0.25.
        amount: Share of the lungs' volume to lose, 0 to 0.3.

    Raises:
        UsageError: There are no two lungs.
    """
    assert 0.0 <= amount <= 0.3, amount
    body, lungs = _find_lungs(volume)
    pull = _outward_pull(body, lungs)
    moving = pull.any(axis=0)
    here, step = np.stack(np.nonzero(moving)).astype(np.float32), pull[:, moving]
    # Beyond the lungs the warp is no longer a plain contraction, so what it takes is found out.
    whole = (lungs[0] | lungs[1]).astype(np.float32)
    strength = (1.0 - amount) ** (-1 / 3) - 1.0
    for _ in range(2):
        left = ndimage.map_coordinates(whole, here + np.float32(strength) * step, order=1)
        lost = 1.0 - float(left.sum(dtype=np.float64) / whole.sum(dtype=np.float64))
        strength *= amount / lost if lost > 0.0 else 1.0
    places = here + np.float32(strength) * step
    shrunken = volume.copy()
    # Linear interpolation would blur by a third, and a metric could notice that instead.
    shrunken[moving] = ndimage.map_coordinates(volume, places, order=5, mode="nearest")
    return np.clip(shrunken, -1, 1, out=shrunken)


def _find_lungs(volume: Voxels) -> tuple[NDArray[np.bool_], list[NDArray[np.bool_]]]:
    """The body with all that it holds, and the two lungs, without airways and with vessels."""
    depth, _, width = volume.shape
    air = volume < AIR_BELOW
    parts, _ = ndimage.label(~air)
    # The largest part: the table and the clothes are not the body.
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    body = parts == sizes.argmax() if sizes.any() else np.zeros_like(air)
    # Slice by slice, as the airways leave a body through its top.
    for index in range(depth):
        body[index] = ndimage.binary_fill_holes(body[index])
    radius = max(1.0, AIRWAY_RADIUS * width)
    within = _grown(~_grown(~(body & air), radius), radius) & body
    filled = ~_grown(~_grown(within, radius), radius) & body
    lungs = within | filled
    # Right and left may touch; between them lies the sagittal plane with the least lung.
    area = np.count_nonzero(lungs, axis=(0, 1))
    share = np.cumsum(area) / max(area.sum(), 1)
    low, high = (int(np.count_nonzero(share < part)) for part in (0.3, 0.7))
    middle = low + int(np.argmin(area[low : high + 1])) if area.any() else width
    right, left = lungs.copy(), lungs.copy()
    right[:, :, middle:] = False
    left[:, :, :middle] = False
    smallest = SMALLEST_LUNG * volume.size
    if min(np.count_nonzero(right), np.count_nonzero(left)) < smallest:
        raise UsageError(
            "lungs cannot be made smaller where no two are found; plant this fault in thorax CT "
            "with the thorax window"
        )
    return body, [right, left]


def _outward_pull(body: NDArray[np.bool_], lungs: list[NDArray[np.bool_]]) -> NDArray[np.float32]:
    """Where each voxel is fetched from, in voxels [3, d, h, w] for a contraction of strength 1.

    In a lung the way from its centroid; from its surface outwards less and less of it, and
    nothing at the skin or where tissue no longer gives way.
    """
    width = body.shape[2]
    distances = [_distance_to(lung) for lung in lungs]
    nearest = np.minimum(*distances)
    reach = np.minimum(np.float32(WALL * width), nearest + _distance_to(~body))
    given = np.clip(1 - nearest / np.maximum(reach, np.float32(1e-6)), 0, 1)
    given = given * given * (3 - 2 * given)
    nearness = [1 / np.square(distance + np.float32(0.5)) for distance in distances]
    pull = np.zeros((3, *body.shape), np.float32)
    for lung, near in zip(lungs, nearness, strict=True):
        weight = given * near / (nearness[0] + nearness[1])
        for axis, centre in enumerate(ndimage.center_of_mass(lung)):
            shape = [1, 1, 1]
            shape[axis] = -1
            along = np.arange(body.shape[axis], dtype=np.float32).reshape(shape)
            pull[axis] += weight * (along - np.float32(centre))
    for axis in range(3):
        pull[axis] = ndimage.gaussian_filter(pull[axis], width / 64) * (given > 0)
    return pull


def _distance_to(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = ndimage.distance_transform_edt(~region).astype(np.float32)
    return distance


def _grown(region: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    return _distance_to(region) <= radius


def _each(
    name: str, sentence: str, alter: Callable[[Voxels, int], Voxels], thorax_only: bool = False
) -> Fault:
    """A fault of every volume; what `alter` draws is decided by the seed and the number."""

    def build(base: VolumeSet, seed: int) -> VolumeSet:
        def alter_one(volume: Voxels, index: int) -> Voxels:
            return alter(volume, int(np.random.SeedSequence((seed, index)).generate_state(1)[0]))

        return Altered(name, base, alter_one)

    return Fault(name, sentence, build, thorax_only)


def _stitch(base: VolumeSet, seed: int) -> VolumeSet:
    made = stitched(base, len(base), seed, SLABS)
    made.name = "stitched-slabs"
    return made


def _collapse(base: VolumeSet, seed: int) -> VolumeSet:
    if len(base) <= KEPT_BY_COLLAPSE:
        raise UsageError(
            f"a collapse to {KEPT_BY_COLLAPSE} volumes needs more than the {len(base)} there are; "
            "give a larger set"
        )
    kept = np.random.default_rng(seed).permutation(len(base))[:KEPT_BY_COLLAPSE]
    return Part("collapse-10", base, [int(number) for number in np.resize(kept, len(base))])


def _noise(volume: Voxels, sd: float, seed: int) -> Voxels:
    return add_noise(volume, sd, np.random.default_rng(seed))


# Noise: 41 and 81 HU in the thorax window, three and six times that of a full-dose CT. The first
# is seen beside a clean scan, the second without one.
_ALL = [
    _each("blur-0.5", "blurred by a Gaussian of sigma 0.5 voxel", lambda v, _: blur(v, 0.5)),
    _each("blur-1", "blurred by a Gaussian of sigma 1 voxel", lambda v, _: blur(v, 1.0)),
    _each("blur-2", "blurred by a Gaussian of sigma 2 voxels", lambda v, _: blur(v, 2.0)),
    _each("noise-0.05", "white noise of sd 0.05 added", lambda v, seed: _noise(v, 0.05, seed)),
    _each("noise-0.1", "white noise of sd 0.1 added", lambda v, seed: _noise(v, 0.1, seed)),
    Fault("stitched-slabs", "eight slabs along d, each of another volume", _stitch),
    _each("slab-steps", "each of eight slabs brighter or darker by 0.02 to 0.05", add_steps),
    _each("swapped-slices", "half of the pairs of neighbouring axial slices swapped", swap_slices),
    _each("shuffled-block", "an eighth of the axial slices in disorder", shuffle_block),
    _each("flipped", "left and right exchanged", lambda v, _: flip(v)),
    _each("wrong-spacing", "stretched along d by 1.2", lambda v, _: stretch(v, STRETCH)),
    Fault("collapse-10", "the same ten volumes over and over", _collapse),
    _each("lungs-10", "lungs smaller by 10 %", lambda v, _: shrink_lungs(v, 0.10), True),
    _each("lungs-25", "lungs smaller by 25 %", lambda v, _: shrink_lungs(v, 0.25), True),
]

FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}
"""Every fault by its name."""

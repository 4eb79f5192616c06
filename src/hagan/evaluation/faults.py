"""Known faults to plant in real volumes, to see which metrics notice them.

Every fault keeps the shape of the volumes and the range [-1, 1], and is the same for a seed. A
metric that cannot tell a set with such a fault from the set as it was cannot be trusted to find the
fault in a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hagan.errors import UsageError
from hagan.evaluation.anchors import flip, stitched
from hagan.evaluation.lung_fault import shrink_lungs
from hagan.evaluation.seams import slab_thickness
from hagan.evaluation.sets import Altered, Part, VolumeSet, Voxels

SLABS = 8
STEP_RANGE = (0.02, 0.05)
"""Size of a slab's offset in intensity: 16 to 41 HU in the thorax window, about its noise."""

KEPT_BY_COLLAPSE = 10
STRETCH = 1.2


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


def add_noise(volume: Voxels, sd: float, rng: np.random.Generator) -> Voxels:
    """Add white noise of an sd in units of [-1, 1] and clip; air at -1 keeps the upper half."""
    noise = rng.standard_normal(volume.shape, np.float32)
    noise *= np.float32(sd)
    noise += volume
    return np.clip(noise, -1, 1, out=noise)


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

"""Sets that say what the numbers of a table mean: training volumes copied, spoilt or mixed.

Each is built from the training volumes without any network, has as many volumes as the generator
gave, and stands as a row beside it. A generator that a Gaussian or a stack of slabs of different
subjects can beat has learnt little; one no better than copies of its training set may be copying.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.errors import UsageError
from hagan.evaluation.seams import slab_thickness
from hagan.evaluation.sets import Altered, Part, VolumeSet, Voxels

MEMORY_BUDGET = 2**30
"""Bytes that an anchor may hold."""

_READ_TOGETHER = 32
_COLUMNS = 4096


def copies(train: VolumeSet, count: int, seed: int) -> VolumeSet:
    """Training volumes as they are: as many of each as the count allows, in random order."""
    return _drawn("copies", train, count, seed)


def mirrored(train: VolumeSet, count: int, seed: int) -> VolumeSet:
    """Training volumes with left and right exchanged."""
    return Altered(
        "mirrored", _drawn("mirrored", train, count, seed), lambda volume, _: flip(volume)
    )


def blurred(train: VolumeSet, count: int, seed: int) -> VolumeSet:
    """Training volumes under a mean of 3 x 3 x 3 voxels."""
    return Altered(
        "blurred", _drawn("blurred", train, count, seed), lambda volume, _: smooth(volume)
    )


def flip(volume: Voxels) -> Voxels:
    """Exchange left and right of a volume [d, h, w]."""
    return np.ascontiguousarray(volume[:, :, ::-1])


def smooth(volume: Voxels) -> Voxels:
    """Mean over 3 x 3 x 3 voxels; beyond the faces the outermost voxel goes on."""
    mean: Voxels = ndimage.uniform_filter(volume, 3, mode="nearest")
    return mean


class Stitched(VolumeSet):
    """Volumes whose slabs along d come from different training volumes.

    Each slab is real; only how they fit together is wrong.
    """

    def __init__(self, train: VolumeSet, count: int, seed: int, slabs: int = 8) -> None:
        """See `stitched`."""
        self.name = "stitched"
        self.train = train
        self.seed = seed
        self.slabs = slabs
        self.shape = train.shape
        self.thickness = slab_thickness(train.shape[0], slabs)
        self.subjects = [f"{self.name}-{number}" for number in range(count)]
        if len(train) < 2:
            raise UsageError("stitching needs two training volumes or more; give more of them")

    def sources(self, index: int) -> list[int]:
        """Numbers of the training volumes of the slabs, from the feet up.

        All differ; with fewer volumes than slabs, they take turns.
        """
        order = np.random.default_rng((self.seed, index)).permutation(len(self.train))
        return [int(number) for number in np.resize(order, self.slabs)]

    def volume(self, index: int) -> Voxels:
        """Volume number `index`."""
        slabs = []
        for place, source in enumerate(self.sources(index)):
            start = place * self.thickness
            slabs.append(self.train.volume(source)[start : start + self.thickness])
        return np.concatenate(slabs)


def stitched(train: VolumeSet, count: int, seed: int, slabs: int = 8) -> VolumeSet:
    """Volumes of equal slabs along d, each from another training volume.

    Raises:
        UsageError: The slices do not make equal slabs, or there are fewer than two volumes.
    """
    return Stitched(train, count, seed, slabs)


class Gaussian(VolumeSet):
    """Draws from a normal distribution with the mean and covariance of the training volumes.

    With volumes x_i and independent standard normal e_i, mean + sum e_i (x_i - mean) / root (n - 1)
    has exactly the covariance of the x_i. So a draw is one weighted sum of the training volumes
    and needs no decomposition. With fewer components the e_i are projected on the leading
    eigenvectors of the volumes' inner products, which is a Gaussian on the leading principal
    components.

    Attributes:
        weights: How much of each training volume is in each draw [count, n]; rows sum to 1.
    """

    def __init__(
        self,
        train: VolumeSet,
        count: int,
        seed: int,
        components: int | None = None,
        budget: int = MEMORY_BUDGET,
    ) -> None:
        """See `gaussian`."""
        if len(train) < 2:
            raise UsageError("a Gaussian needs two training volumes or more; give more of them")
        if components is not None and not 1 <= components < len(train):
            raise UsageError(
                f"{len(train)} training volumes have 1 to {len(train) - 1} components, not "
                f"{components}; choose a number between"
            )
        self.name = "gaussian" if components is None else f"gaussian-{components}"
        self.train = train
        self.shape = train.shape
        self.subjects = [f"{self.name}-{number}" for number in range(count)]
        self._voxels = int(np.prod(train.shape))
        # Training volumes on their way through take two shares, as one group is read while the one
        # before it is still in use; the rest is for draws.
        self._fitting = budget // (4 * self._voxels)
        self._together = int(np.clip(self._fitting // 8, 1, _READ_TOGETHER))
        self._block = max(self._fitting - 2 * self._together, 1)
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((count, len(train)))
        if components is not None:
            axes = self._leading_axes(components)
            noise = noise @ axes @ axes.T
        deviations = (noise - noise.mean(axis=1, keepdims=True)) / np.sqrt(len(train) - 1)
        self.weights: NDArray[np.float64] = deviations + 1 / len(train)
        self._first = 0
        self._kept = np.empty((0, self._voxels), np.float32)

    def volume(self, index: int) -> Voxels:
        """Volume number `index`; those near it are made with it, so ask for them in order."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self._first <= index < self._first + len(self._kept):
            self._first = index - index % self._block
            # The old block goes before the new one comes, or two would have to fit.
            self._kept = np.empty((0, self._voxels), np.float32)
            self._kept = self._make(self.weights[self._first : self._first + self._block])
        made: Voxels = self._kept[index - self._first].reshape(self.shape).copy()
        return made

    def _make(self, weights: NDArray[np.float64]) -> NDArray[np.float32]:
        draws = np.zeros((len(weights), self._voxels), np.float32)
        for numbers, volumes in self._read(self._together):
            some = weights[:, numbers].astype(np.float32)
            for start in range(0, self._voxels, _COLUMNS):
                draws[:, start : start + _COLUMNS] += some @ volumes[:, start : start + _COLUMNS]
        return np.clip(draws, -1, 1, out=draws)

    def _read(self, together: int) -> Iterator[tuple[range, NDArray[np.float32]]]:
        """Training volumes as rows [k, voxels], some at a time, with their numbers."""
        for start in range(0, len(self.train), together):
            numbers = range(start, min(start + together, len(self.train)))
            rows = np.empty((len(numbers), self._voxels), np.float32)
            for row, number in zip(rows, numbers, strict=True):
                row[:] = self.train.volume(number).reshape(-1)
            yield numbers, rows

    def _leading_axes(self, components: int) -> NDArray[np.float64]:
        """Eigenvectors [n, components] of the centred inner products of the training volumes."""
        count = len(self.train)
        products = np.zeros((count, count))
        quarter = max(self._fitting // 4, 1)
        for numbers, volumes in self._read(quarter):
            for others, beside in self._read(quarter):
                if others.start < numbers.start:
                    continue
                block = np.zeros((len(numbers), len(others)))
                for start in range(0, self._voxels, _COLUMNS):
                    columns = slice(start, start + _COLUMNS)
                    block += volumes[:, columns].astype(np.float64) @ beside[:, columns].T
                products[np.ix_(numbers, others)] = block
                products[np.ix_(others, numbers)] = block.T
        products -= products.mean(axis=0)
        products -= products.mean(axis=1, keepdims=True)
        _, vectors = np.linalg.eigh((products + products.T) / 2)
        leading: NDArray[np.float64] = vectors[:, -components:]
        return leading


def gaussian(
    train: VolumeSet,
    count: int,
    seed: int,
    components: int | None = None,
    budget: int = MEMORY_BUDGET,
) -> VolumeSet:
    """Draws from a Gaussian with the mean and covariance of the training volumes, in [-1, 1].

    Args:
        train: The training volumes, streamed once for every block of draws.
        count: Draws.
        seed: Of the draws.
        components: Keep only so many leading principal components; none keeps all.
        budget: Bytes to hold; a block is as many draws as fit, at least one.

    Raises:
        UsageError: Fewer than two volumes, or no such number of components.
        HaganError: A volume cannot be read.
    """
    return Gaussian(train, count, seed, components, budget)


def _drawn(name: str, train: VolumeSet, count: int, seed: int) -> Part:
    assert count > 0, count
    rng = np.random.default_rng(seed)
    rounds = -(-count // len(train))
    indices = np.concatenate([rng.permutation(len(train)) for _ in range(rounds)])[:count]
    return Part(name, train, [int(index) for index in indices])

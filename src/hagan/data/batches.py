"""Training batches addressed by step: any batch can be made again, in any order, on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from hagan.types import Labels, Volumes

_PERMUTATIONS, _MIRRORS, _NOISES = 0, 1, 2
"""Keys that keep the random streams of one seed apart."""

_ALIGNMENT = 64
"""Bytes; what torch's own tensors on the CPU are aligned to."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one turn of a player sees.

    Attributes:
        volumes: Intensities in [-1, 1].
        labels: One-hot classes, then standardised covariates with noise; None where there are
            neither.
    """

    volumes: Volumes
    labels: Labels | None

    def rows(self, first: int, count: int) -> Batch:
        """Volumes `first` up to `first + count`, with their labels."""
        rows = slice(first, first + count)
        return Batch(self.volumes[rows], None if self.labels is None else self.labels[rows])


@runtime_checkable
class Dataset(Protocol):
    """Scans by number: `hagan.data.dataset.VolumeDataset`, or one that holds them in memory."""

    @property
    def device(self) -> torch.device:
        """Where volumes and labels come."""
        ...

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """Voxels along d, h, w of every volume."""
        ...

    @property
    def num_conditions(self) -> int:
        """Number of covariates, which stand last in a label."""
        ...

    def __len__(self) -> int:
        """Count the scans."""
        ...

    def read_into(
        self, index: int, out: Float[Tensor, "1 d h w"], *, mirrored: bool = False
    ) -> None:
        """Write one volume, left and right swapped where asked, to a place on the device."""
        ...

    def labels(self, indices: list[int]) -> Labels | None:
        """What some scans are conditioned on, on the device; None where there is nothing."""
        ...


class Batches:
    """An endless sequence of batches: one fresh permutation of all scans after another.

    Attributes:
        dataset: Where the volumes come from.
        batch_size: Volumes a batch; may exceed the number of scans.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        seed: int,
        mirror: bool = False,
        *,
        pinned: bool = False,
    ) -> None:
        """Describe the sequence.

        Args:
            dataset: Where the volumes come from.
            batch_size: Volumes a batch.
            seed: Of the permutations and mirrorings.
            mirror: Swap left and right of each volume with probability 1/2.
            pinned: Make batches in memory that CUDA copies from without waiting. Needs CUDA, and
                a dataset on the CPU.
        """
        assert batch_size >= 1, "a batch holds at least one volume"
        assert seed >= 0, "seeds start at 0"
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.mirror = mirror
        self.pinned = pinned
        self._permutation = lru_cache(maxsize=4)(self._draw_permutation)

    def indices(self, step: int, repeat: int = 0) -> list[int]:
        """Say which scans a batch holds.

        Args:
            step: Which batch, from 0.
            repeat: Which batch of the same step, from 0, for players that take several turns;
                every repeat walks through all scans in an order of its own.

        Returns:
            Numbers in the dataset.
        """
        count = len(self.dataset)
        places = range(step * self.batch_size, (step + 1) * self.batch_size)
        return [int(self._permutation(p // count, repeat)[p % count]) for p in places]

    def at(self, step: int, repeat: int = 0) -> Batch:
        """Make one batch.

        Args:
            step: Which batch, from 0.
            repeat: Which batch of the same step.

        Returns:
            The batch, on the dataset's device.

        Raises:
            BadInputError: A file of the store is damaged.
        """
        return self.part(step, repeat, 0, self.batch_size)

    def part(self, step: int, repeat: int, first: int, count: int) -> Batch:
        """Make a part of a batch, and read no more than its volumes.

        Args:
            step: Which batch, from 0.
            repeat: Which batch of the same step.
            first: First volume of the part in the batch.
            count: Volumes of the part.

        Returns:
            The rows that `at` would give there.

        Raises:
            BadInputError: A file of the store is damaged.
        """
        rows = slice(first, first + count)
        indices = self.indices(step, repeat)[rows]
        mirrored = [False] * self.batch_size
        if self.mirror:
            rng = np.random.default_rng((self.seed, _MIRRORS, step, repeat))
            mirrored = (rng.random(self.batch_size) < 0.5).tolist()
        volumes = self._empty(len(indices))
        for volume, index, swapped in zip(volumes, indices, mirrored[rows], strict=True):
            self.dataset.read_into(index, volume, mirrored=swapped)
        labels = self.dataset.labels(indices)
        if labels is not None and self.dataset.num_conditions:
            labels[:, -self.dataset.num_conditions :] += self._noise(step, repeat)[rows].to(labels)
        return Batch(volumes, labels)

    def _noise(self, step: int, repeat: int) -> Tensor:
        """What is added to the covariates of a batch [b, c], whose sd in training is 1.

        Few scans have just the age that is asked for; with noise, as wide as Silverman's rule has
        it, their neighbours teach it too (CcGAN, Ding et al. 2021).
        """
        rng = np.random.default_rng((self.seed, _NOISES, step, repeat))
        spread = noise_spread(len(self.dataset))
        shape = (self.batch_size, self.dataset.num_conditions)
        return torch.from_numpy(rng.normal(0.0, spread, shape).astype(np.float32))

    def _empty(self, count: int) -> Volumes:
        """Memory for so many volumes, not filled."""
        shape = (count, 1, *self.dataset.volume_shape)
        device = self.dataset.device
        if device.type != "cpu" or self.pinned:
            return torch.empty(shape, device=device, pin_memory=self.pinned)
        # NumPy asks the system for large pages: a volume of 256^3 is written three times as fast
        # as into torch's memory. Aligned, so that results do not vary with where it lies.
        size = 4 * int(np.prod(shape))
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        return torch.from_numpy(memory[start : start + size].view(np.float32).reshape(shape))

    def _draw_permutation(self, number: int, repeat: int) -> NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, _PERMUTATIONS, number, repeat))
        return rng.permutation(len(self.dataset))


def noise_spread(num_scans: int) -> float:
    """Standard deviation of the noise on standardised covariates: 1.06 n^(-1/5)."""
    return float(1.06 * num_scans**-0.2)

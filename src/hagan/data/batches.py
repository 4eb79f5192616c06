"""Training batches addressed by step: any batch can be made again, in any order, on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hagan.data.dataset import VolumeDataset
from hagan.types import Labels, Volumes

_PERMUTATIONS, _MIRRORS = 0, 1
"""Keys that keep the random streams of one seed apart."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one turn of a player sees.

    Attributes:
        volumes: Intensities in [-1, 1].
        labels: One-hot classes, or None for a store without labels.
    """

    volumes: Volumes
    labels: Labels | None

    def rows(self, first: int, count: int) -> Batch:
        """Volumes `first` up to `first + count`, with their labels."""
        rows = slice(first, first + count)
        return Batch(self.volumes[rows], None if self.labels is None else self.labels[rows])


class Batches:
    """An endless sequence of batches: one fresh permutation of all scans after another.

    Attributes:
        dataset: Where the volumes come from.
        batch_size: Volumes a batch; may exceed the number of scans.
    """

    def __init__(
        self, dataset: VolumeDataset, batch_size: int, seed: int, mirror: bool = False
    ) -> None:
        """Describe the sequence.

        Args:
            dataset: Where the volumes come from.
            batch_size: Volumes a batch.
            seed: Of the permutations and mirrorings.
            mirror: Swap left and right of each volume with probability 1/2.
        """
        assert batch_size >= 1, "a batch holds at least one volume"
        assert seed >= 0, "seeds start at 0"
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.mirror = mirror
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
            The batch, on the CPU.

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
        volumes = torch.stack([self.dataset.volume(index) for index in indices])
        if self.mirror:
            rng = np.random.default_rng((self.seed, _MIRRORS, step, repeat))
            swapped = torch.from_numpy(rng.random(self.batch_size)[rows] < 0.5)
            volumes = torch.where(swapped[:, None, None, None, None], volumes.flip(-1), volumes)
        return Batch(volumes, self._labels(indices))

    def _labels(self, indices: list[int]) -> Tensor | None:
        if not self.dataset.num_classes:
            return None
        labels = torch.tensor([self.dataset.label(index) for index in indices])
        return torch.nn.functional.one_hot(labels, self.dataset.num_classes).float()

    def _draw_permutation(self, number: int, repeat: int) -> NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, _PERMUTATIONS, number, repeat))
        return rng.permutation(len(self.dataset))

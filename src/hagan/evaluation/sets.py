"""Sets of volumes to judge: numbered, of one shape, in [-1, 1], read one at a time.

A set says nothing of where its volumes come from, so a store, a folder of anybody's files, a
generator and an altered copy of another set are judged alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Voxels: TypeAlias = NDArray[np.float32]
"""One volume [d, h, w], intensities in [-1, 1], axes as in `hagan.types`."""


class VolumeSet(ABC):
    """Volumes by number; reading one twice gives the same voxels.

    Attributes:
        name: What tables call the set.
        subjects: Who each volume shows; volumes of one subject are never split or resampled apart.
        shape: Voxels along d, h, w of every volume.
    """

    name: str
    subjects: Sequence[str]
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        """Count the volumes."""
        return len(self.subjects)

    @abstractmethod
    def volume(self, index: int) -> Voxels:
        """Volume number `index`, from 0.

        Raises:
            HaganError: It cannot be read.
        """


class ArraySet(VolumeSet):
    """Volumes that are in memory."""

    def __init__(
        self, name: str, volumes: Sequence[Voxels], subjects: Sequence[str] | None = None
    ) -> None:
        """Name them; without subjects each volume is its own."""
        assert len(volumes) > 0, name
        assert len({volume.shape for volume in volumes}) == 1, name
        self.name = name
        self.volumes = volumes
        self.subjects = subjects or [f"{name}-{number}" for number in range(len(volumes))]
        depth, height, width = volumes[0].shape
        self.shape = (depth, height, width)

    def volume(self, index: int) -> Voxels:
        """Volume number `index`."""
        return self.volumes[index]


class Part(VolumeSet):
    """Some volumes of another set, in a given order; a number may come more than once."""

    def __init__(self, name: str, whole: VolumeSet, indices: Sequence[int]) -> None:
        """Choose volumes of `whole` by number."""
        self.name = name
        self.whole = whole
        self.indices = [int(index) for index in indices]
        self.subjects = [whole.subjects[index] for index in self.indices]
        self.shape = whole.shape

    def volume(self, index: int) -> Voxels:
        """Volume number `index` of the part."""
        return self.whole.volume(self.indices[index])


class Altered(VolumeSet):
    """Another set with every volume changed by a function of it and of its number."""

    def __init__(self, name: str, whole: VolumeSet, alter: Callable[[Voxels, int], Voxels]) -> None:
        """Change the volumes of `whole`; the function must keep shape and range."""
        self.name = name
        self.whole = whole
        self.alter = alter
        self.subjects = whole.subjects
        self.shape = whole.shape

    def volume(self, index: int) -> Voxels:
        """Volume number `index`, changed."""
        return self.alter(self.whole.volume(index), index)

"""What is read off one volume at a time: a vector, and the definition that it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hagan.evaluation.sets import Voxels

Matrix: TypeAlias = NDArray[np.float64]
"""One row a volume: [n, f]."""

Weights: TypeAlias = NDArray[np.float64]
"""How often each volume counts in a resampled set: [n], not negative."""

Fact: TypeAlias = str | int | float | bool | None


@runtime_checkable
class Defined(Protocol):
    """What has a name and says everything that its values depend on."""

    @property
    def name(self) -> str:
        """Short name, such as `random-resnet10`."""
        ...

    @property
    def definition(self) -> Mapping[str, Fact]:
        """Everything that values depend on besides the voxels, hashes of weights included."""
        ...


@runtime_checkable
class Measure(Defined, Protocol):
    """A function of one volume.

    Features, sharpness, seams and class probabilities are measures alike: each is computed once a
    volume and definition, and kept by the hash of both.
    """

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        """The vector [f] of a volume [d, h, w] in [-1, 1]."""
        ...


@runtime_checkable
class Statistic(Protocol):
    """A number that compares a fake set with a real one, and can be taken again by weights.

    Weights are how often each volume was drawn in a bootstrap resample; none counts each once.
    """

    def __call__(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """The number."""
        ...

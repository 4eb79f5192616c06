"""Sampling: new volumes of a trained model, in the units and the geometry of its data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hagan.data.placement import Geometry
from hagan.data.volume import Volume
from hagan.errors import UsageError
from hagan.models.weights import Loaded, load_model
from hagan.types import Labels, Latents

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sampler:
    """Makes volumes one at a time; volume `index` of a seed never depends on another."""

    loaded: Loaded
    device: str = "cpu"

    @classmethod
    def from_run(cls, run: Path, device: str = "cpu") -> Sampler:
        """A sampler of a run's weights for use.

        Args:
            run: A run folder, or a weights file.
            device: Where to compute.

        Raises:
            BadInputError: There are no weights, or not ours.
        """
        return cls(load_model(run, device), device)

    @property
    def geometry(self) -> Geometry | None:
        """Size, units and spacing of the data; none for imported checkpoints."""
        return geometry_of(self.loaded)

    def latents(self, index: int, *, seed: int, truncation: float = 1.0) -> Latents:
        """Z ~ N(0, I) of one volume, shrunk towards 0 by `truncation`; a float32 [1, z]."""
        digest = hashlib.sha256(f"latents/{seed}/{index}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        drawn = torch.randn(1, self.loaded.model.latent_dim, generator=generator)
        return (truncation * drawn).to(self.device)

    def sample(
        self, index: int, *, seed: int, label: int | None = None, truncation: float = 1.0
    ) -> Volume:
        """Volume number `index` of a seed.

        Args:
            index: From 0.
            seed: Which series of volumes.
            label: Class of a conditional model, from 0.
            truncation: Below 1 for more typical and less varied volumes; never in an evaluation.

        Returns:
            Intensities in the data's own units (HU for CT), with its median spacing; in [-1, 1]
            with a spacing of 1 mm for imported checkpoints, which know no data.

        Raises:
            UsageError: The label does not suit the model.
        """
        codes = self.latents(index, seed=seed, truncation=truncation)
        return self.decode(codes, label)

    def decode(self, codes: Latents, label: int | None = None) -> Volume:
        """The volume of one latent code [1, z]; see `sample`."""
        with torch.no_grad():
            made = self.loaded.model.generate(codes, self.one_hot(label))
        array = made[0, 0].float().cpu().numpy()
        return to_volume(array, self.geometry)

    def one_hot(self, label: int | None) -> Labels | None:
        """A label as the model takes it.

        Raises:
            UsageError: A label is missing, out of range, or not wanted.
        """
        classes = self.loaded.model.num_classes
        if not classes:
            if label is not None:
                raise UsageError("the model is unconditional: it takes no label")
            return None
        if label is None or not 0 <= label < classes:
            names = self.geometry.class_names if self.geometry else ()
            listed = f" ({', '.join(names)})" if names else ""
            raise UsageError(
                f"the model is conditional: give a label from 0 to {classes - 1}{listed}"
            )
        vector: Tensor = torch.nn.functional.one_hot(torch.tensor([label]), classes)
        return vector.float().to(self.device)


def geometry_of(loaded: Loaded) -> Geometry | None:
    """The data's geometry that a weights file holds."""
    if loaded.geometry is None:
        return None
    return Geometry.from_json(json.dumps(loaded.geometry))


def to_volume(array: NDArray[np.float32], geometry: Geometry | None) -> Volume:
    """Intensities [d, h, w] in [-1, 1] as a volume in the data's units.

    CT is rounded to whole HU, as scanners store it.
    """
    if geometry is None:
        affine = np.zeros((4, 4))
        affine[(2, 1, 0, 3), (0, 1, 2, 3)] = (1, -1, -1, 1)
        return Volume(array, affine, "unknown")
    voxels = geometry.window.unwindow(array)
    if geometry.modality == "ct":
        # Adding 0 turns -0 into 0, which int16 cannot tell apart but a hash of floats can.
        voxels = np.rint(voxels) + np.float32(0)
    return Volume(voxels, np.array(geometry.affine), geometry.modality)

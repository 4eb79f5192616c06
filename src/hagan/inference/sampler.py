"""Sampling: new volumes of a trained model, in the units and the geometry of its data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hagan.data.conditions import Conditions
from hagan.data.placement import Geometry
from hagan.data.volume import Volume
from hagan.errors import BadInputError, UsageError
from hagan.inference.stream import Stream, depth_that_fits, spooled
from hagan.models.weights import Loaded, load_model
from hagan.types import Labels, Latents

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sampler:
    """Makes volumes one at a time; volume `index` of a seed never depends on another."""

    loaded: Loaded
    device: str = "cpu"
    depth: int | None = None
    """Slices that are made at once; None for all. On CPU it changes no bit of a volume."""

    @classmethod
    def from_run(
        cls,
        run: Path,
        device: str = "cpu",
        stream: Stream = "auto",
        *,
        processes: int = 1,
        encodes: bool = True,
    ) -> Sampler:
        """A sampler of a run's weights for use.

        Args:
            run: A run folder, or a weights file.
            device: Where to compute.
            stream: Whether volumes are made slab by slab; by default where the memory that is free
                now does not hold the activations of a whole one.
            processes: How many do the same at once, and share a CPU's memory.
            encodes: Whether the encoder is wanted too, where there is one.

        Raises:
            BadInputError: There are no weights, or not ours.
        """
        loaded = load_model(run, device, only=None if encodes else ("generator",))
        depth = depth_that_fits(loaded.model, stream, device, processes=processes)
        return cls(loaded, device, depth)

    @property
    def streams(self) -> bool:
        """Whether volumes are made slab by slab."""
        return self.depth is not None and self.depth < self.loaded.model.volume_shape[0]

    @property
    def geometry(self) -> Geometry | None:
        """Size, units and spacing of the data; none for imported checkpoints."""
        return geometry_of(self.loaded)

    @property
    def known_conditions(self) -> Conditions | None:
        """Scale and range of the covariates that the model takes; none where it takes none.

        Raises:
            BadInputError: It takes some, and its weights do not know their scale.
        """
        if not self.loaded.model.num_conditions:
            return None
        geometry = self.geometry
        if geometry is None or geometry.conditions is None:
            raise BadInputError(f"{self.loaded.path} lacks the scale of the model's conditions")
        return geometry.conditions

    def latents(self, index: int, *, seed: int, truncation: float = 1.0) -> Latents:
        """Z ~ N(0, I) of one volume, drawn to the typical as the model does it; a float32 row."""
        digest = hashlib.sha256(f"latents/{seed}/{index}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        drawn = torch.randn(1, self.loaded.model.latent_dim, generator=generator)
        if truncation != 1.0:
            drawn = self.loaded.model.truncated(drawn, truncation)
        return drawn.to(self.device)

    def conditions(
        self,
        index: int,
        *,
        seed: int,
        label: int | None = None,
        asked: Mapping[str, float] | None = None,
    ) -> dict[str, float] | None:
        """Covariates of one volume in their own units; none for a model that takes none.

        Args:
            index: From 0.
            seed: Which series of volumes.
            label: Class of the volume.
            asked: A value of each covariate; by default those of one training scan of the class.

        Raises:
            UsageError: What is asked for does not suit the model.
        """
        known = self.known_conditions
        if known is None:
            if asked:
                raise UsageError(f"the model takes no conditions, so not {', '.join(asked)} either")
            return None
        return known.checked(asked) if asked else known.drawn(index, seed=seed, label=label)

    def sample(
        self,
        index: int,
        *,
        seed: int,
        label: int | None = None,
        truncation: float = 1.0,
        conditions: Mapping[str, float] | None = None,
    ) -> Volume:
        """Volume number `index` of a seed.

        Args:
            index: From 0.
            seed: Which series of volumes.
            label: Class of a conditional model, from 0.
            truncation: Below 1 for more typical and less varied volumes; never in an evaluation.
            conditions: Covariates; by default those that `conditions` draws.

        Returns:
            Intensities in the data's own units (HU for CT), with its median spacing; in [-1, 1]
            with a spacing of 1 mm for imported checkpoints, which know no data.

        Raises:
            UsageError: The label or a condition does not suit the model.
        """
        codes = self.latents(index, seed=seed, truncation=truncation)
        conditions = self.conditions(index, seed=seed, label=label, asked=conditions)
        return self.decode(codes, label, conditions)

    @contextmanager
    def sample_on_disk(
        self,
        index: int,
        *,
        seed: int,
        folder: Path,
        label: int | None = None,
        truncation: float = 1.0,
        conditions: Mapping[str, float] | None = None,
    ) -> Iterator[tuple[Volume, str]]:
        """The volume of `sample` with its voxels in a nameless file, for the length of a block.

        Args:
            index: As for `sample`.
            seed: As for `sample`.
            folder: Where the file lies, 4 bytes a voxel; made if absent.
            label: As for `sample`.
            truncation: As for `sample`.
            conditions: As for `sample`.

        Yields:
            The volume, its voxels mapped and read-only, and their SHA-256.

        Raises:
            UsageError: The label or a condition does not suit the model.
            DiskError: The folder cannot be written to, or is full.
        """
        codes = self.latents(index, seed=seed, truncation=truncation)
        conditions = self.conditions(index, seed=seed, label=label, asked=conditions)
        labels = self.labels(label, conditions)
        shape = self.loaded.model.volume_shape
        with spooled(self._in_units(codes, labels), shape, folder) as (voxels, sha256):
            yield placed(voxels, self.geometry), sha256

    def decode(
        self,
        codes: Latents,
        label: int | None = None,
        conditions: Mapping[str, float] | None = None,
    ) -> Volume:
        """The volume of one latent code [1, z]; see `sample`."""
        labels = self.labels(label, conditions)
        voxels = np.empty(self.loaded.model.volume_shape, np.float32)
        first = 0
        for slab in self._in_units(codes, labels):
            voxels[first : first + len(slab)] = slab
            first += len(slab)
        assert first == len(voxels), (first, voxels.shape)
        return placed(voxels, self.geometry)

    def slabs(self, codes: Latents, labels: Labels | None) -> Iterator[NDArray[np.float32]]:
        """The volume of a code [1, z] as slabs [depth, h, w] in [-1, 1], the first slice first."""
        model = self.loaded.model
        depth = self.depth or model.volume_shape[0]
        for slab in model.generate_slabs(codes, labels, depth=depth):
            yield slab[0, 0].float().cpu().numpy()

    def _in_units(self, codes: Latents, labels: Labels | None) -> Iterator[NDArray[np.float32]]:
        """`slabs` in the data's units."""
        geometry = self.geometry
        for slab in self.slabs(codes, labels):
            yield in_units(slab, geometry)

    def labels(
        self, label: int | None = None, conditions: Mapping[str, float] | None = None
    ) -> Labels | None:
        """A class and covariates in their own units as the model takes them [1, k].

        Raises:
            UsageError: A label or the covariates are missing, or a label is not as wanted.
        """
        vector = self._one_hot(label)
        known = self.known_conditions
        if known is not None:
            if conditions is None:
                raise UsageError(f"the model is conditional: give values of {known.told}")
            vector = torch.cat((vector, torch.tensor([known.standardised(conditions)])), dim=1)
        return vector.to(self.device) if self.loaded.model.label_dim else None

    def _one_hot(self, label: int | None) -> Tensor:
        """A class as a row [1, classes], which is empty for a model without."""
        classes = self.loaded.model.num_classes
        if not classes:
            if label is not None:
                raise UsageError("the model is unconditional: it takes no label")
            return torch.zeros(1, 0)
        if label is None or not 0 <= label < classes:
            names = self.geometry.class_names if self.geometry else ()
            listed = f" ({', '.join(names)})" if names else ""
            raise UsageError(
                f"the model is conditional: give a label from 0 to {classes - 1}{listed}"
            )
        return torch.nn.functional.one_hot(torch.tensor([label]), classes).float()


def geometry_of(loaded: Loaded) -> Geometry | None:
    """The data's geometry that a weights file holds."""
    if loaded.geometry is None:
        return None
    return Geometry.from_json(json.dumps(loaded.geometry))


def to_volume(array: NDArray[np.float32], geometry: Geometry | None) -> Volume:
    """Intensities [d, h, w] in [-1, 1] as a volume in the data's units."""
    return placed(in_units(array, geometry), geometry)


def in_units(array: NDArray[np.float32], geometry: Geometry | None) -> NDArray[np.float32]:
    """Intensities in [-1, 1] in the data's units; voxel by voxel, so that slabs will do.

    CT is rounded to whole HU, as scanners store it.
    """
    if geometry is None:
        return array
    voxels = geometry.window.unwindow(array)
    if geometry.modality == "ct":
        # Adding 0 turns -0 into 0, which int16 cannot tell apart but a hash of floats can.
        voxels = np.rint(voxels) + np.float32(0)
    return voxels


def placed(voxels: NDArray[np.float32], geometry: Geometry | None) -> Volume:
    """Voxels in the data's units as a volume where the data lie; at 1 mm where there are none."""
    if geometry is None:
        affine = np.zeros((4, 4))
        affine[(2, 1, 0, 3), (0, 1, 2, 3)] = (1, -1, -1, 1)
        return Volume(voxels, affine, "unknown")
    return Volume(voxels, np.array(geometry.affine), geometry.modality)

"""Measuring every volume of a set: each is read once, and what was measured before is kept.

Vectors are kept by the hash of the voxels and of the measure's definition, so a cache can never
give the features of another volume, of other weights or of another normalisation.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.files import atomic_path, make_folder
from hagan.errors import BadInputError
from hagan.evaluation.measure import Defined, Fact, Matrix, Measure
from hagan.evaluation.sets import VolumeSet, Voxels

CACHE_VARIABLE = "HAGAN_CACHE"
"""Environment variable that names the folder of kept vectors."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was read off a set.

    Attributes:
        name: The set's.
        subjects: Who each row shows.
        hashes: SHA-256 of each volume.
        values: By name of the measure, a row a volume.
    """

    name: str
    subjects: tuple[str, ...]
    hashes: tuple[str, ...]
    values: Mapping[str, Matrix]

    @property
    def sha256(self) -> str:
        """Hash of the set's content, whatever the order of its volumes."""
        return hashlib.sha256("".join(sorted(self.hashes)).encode()).hexdigest()

    def __len__(self) -> int:
        """Count the volumes."""
        return len(self.hashes)

    def rows(self, indices: Sequence[int]) -> Measured:
        """Some of the volumes."""
        chosen = np.array(indices, dtype=int)
        return Measured(
            self.name,
            tuple(self.subjects[index] for index in indices),
            tuple(self.hashes[index] for index in indices),
            {name: matrix[chosen] for name, matrix in self.values.items()},
        )


def default_cache() -> Path:
    """The folder that `HAGAN_CACHE` names, or one in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hagan"


class Cache:
    """Vectors on disk, one small file each; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        """Keep vectors in a folder, or nowhere."""
        self.folder = folder

    def get(self, measure: Defined, sha256: str) -> NDArray[np.float64] | None:
        """The vector of a volume, if it was kept."""
        if self.folder is None:
            return None
        # A file that a full disk or a stranger spoiled is measured again.
        with suppress(OSError, ValueError, EOFError):
            vector = np.load(self._path(measure, sha256), allow_pickle=False)
            if vector.ndim == 1 and vector.dtype == np.float64:
                return np.asarray(vector)
        return None

    def put(self, measure: Defined, sha256: str, vector: NDArray[np.float64]) -> None:
        """Keep a vector.

        Raises:
            DiskError: It cannot be written.
        """
        if self.folder is None:
            return
        path = self._path(measure, sha256)
        make_folder(path.parent)
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, vector)

    def _path(self, measure: Defined, sha256: str) -> Path:
        assert self.folder is not None
        # Two levels, so that no folder holds more files than file systems like.
        kind = f"{measure.name}-{digest(measure.definition)[:16]}"
        return self.folder / kind / sha256[:2] / f"{sha256}.npy"


def digest(facts: Mapping[str, Fact]) -> str:
    """SHA-256 of facts by name, whatever their order."""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()


def hash_of(volume: Voxels) -> str:
    """SHA-256 of a volume's shape and of its voxels as little-endian float32."""
    content = np.ascontiguousarray(volume, dtype="<f4")
    return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()


def measure_set(
    volumes: VolumeSet,
    measures: Sequence[Measure],
    cache: Cache,
    on_progress: Callable[[], None] | None = None,
) -> Measured:
    """Measure every volume of a set; one volume is in memory at a time.

    Args:
        volumes: The set.
        measures: What to read off each volume.
        cache: Where vectors are kept.
        on_progress: Called after each volume.

    Raises:
        BadInputError: A volume has NaN voxels or is constant, or a measure of it is not finite.
    """
    rows: dict[str, list[NDArray[np.float64]]] = {measure.name: [] for measure in measures}
    hashes = []
    for index in range(len(volumes)):
        sha256, vectors = measure_volume(volumes, index, measures, cache)
        hashes.append(sha256)
        for name, vector in vectors.items():
            rows[name].append(vector)
        if on_progress is not None:
            on_progress()
    return Measured(
        volumes.name,
        tuple(volumes.subjects),
        tuple(hashes),
        {name: np.stack(vectors) for name, vectors in rows.items()},
    )


def measure_volume(
    volumes: VolumeSet, index: int, measures: Sequence[Measure], cache: Cache
) -> tuple[str, dict[str, NDArray[np.float64]]]:
    """Hash of one volume of a set, and what each measure reads off it or read before.

    Raises:
        BadInputError: The volume has NaN voxels or is constant, or a measure of it is not finite.
    """
    volume = volumes.volume(index)
    where = f"{volumes.name}: volume {index} ({volumes.subjects[index]})"
    if not np.isfinite(volume).all():
        raise BadInputError(f"{where} has NaN or infinite voxels; make it again or remove it")
    if volume.min() == volume.max():
        raise BadInputError(
            f"{where} is constant ({volume.flat[0]:g}); a generator that has died makes such "
            "volumes, and no figure describes them"
        )
    sha256 = hash_of(volume)
    vectors = {}
    for measure in measures:
        vector = cache.get(measure, sha256)
        if vector is None:
            vector = measure(volume)
            if not np.isfinite(vector).all():
                raise BadInputError(f"{where}: {measure.name} is not finite")
            cache.put(measure, sha256, vector)
        vectors[measure.name] = vector
    return sha256, vectors

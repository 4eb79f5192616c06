"""Encoding and reconstruction: scans to latent codes, and back to volumes that lie on the scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hagan.data.conditions import number_of
from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.matching import match_masks
from hagan.data.placement import Placement
from hagan.data.protocols import prepare_volume, restore_volume
from hagan.data.scans import Fault, find_scans
from hagan.data.store import Store
from hagan.data.volume import Volume
from hagan.errors import BadInputError, ScanError, UsageError
from hagan.inference.export import hash_of
from hagan.inference.sampler import Sampler
from hagan.inference.stream import spooled
from hagan.models.gan import Encodes
from hagan.types import Latents


@dataclass(frozen=True, eq=False)
class Prepared:
    """One scan as the model takes it, or why it could not be."""

    name: str
    subject: str
    array: NDArray[np.float32]
    """[d, h, w] in [-1, 1]."""
    placement: Placement
    label: int | None = None
    covariates: Mapping[str, float | str] = field(default_factory=dict)
    """The subject's row of the store's table."""


def is_store(path: Path) -> bool:
    """Whether a path is a store rather than scans."""
    return (path / "index.json").is_file()


class Scans:
    """The scans of a store or a folder by number, each prepared when it is asked for."""

    def __init__(self, count: int, prepared: Callable[[int], Prepared | ScanError]) -> None:
        """Count them and say how one is prepared, as `open_scans` does."""
        self._count = count
        self._prepared = prepared

    def __len__(self) -> int:
        """Count the scans, those that cannot be prepared included."""
        return self._count

    def prepared(self, number: int) -> Prepared | ScanError:
        """Scan number `number`, from 0, as the model takes it, or its fault."""
        return self._prepared(number)


def open_scans(
    source: Path,
    sampler: Sampler,
    *,
    fold: Fold | None = None,
    masks: Path | None = None,
) -> Scans:
    """The scans of a store or a folder, of which none is read yet.

    Args:
        source: A store, a folder of scans, or one scan.
        sampler: The model; its data tell how a scan is prepared.
        fold: Of a store: only its held-back subjects.
        masks: Of a folder: brain masks.

    Raises:
        UsageError: The store is of another size, or a flag does not suit the source.
        BadInputError: There is no scan, or the model knows no way to prepare one.
    """
    if is_store(source):
        if masks is not None:
            raise UsageError("a store's scans are masked already; leave --masks out")
        return _stored(Store.open(source), sampler, fold)
    if fold is not None:
        raise UsageError("--fold holds back subjects of a store; a folder of scans has none")
    geometry = sampler.geometry
    if geometry is None:
        raise BadInputError(
            "the weights know nothing of their data; `hagan prepare` the scans and name the store"
        )
    if masks is not None and geometry.protocol != "brain-t1":
        raise UsageError(f"--masks goes with brain-t1; the model's data were {geometry.protocol}")
    scans = find_scans(source)
    matched = {} if masks is None else match_masks(scans, masks)

    def prepared(number: int) -> Prepared | ScanError:
        scan = scans[number]
        try:
            if scan.fault is not None:
                raise _error_of(scan.fault)
            mask = matched.get(scan.name)
            if isinstance(mask, Fault):
                raise _error_of(mask)
            read_mask = None if mask is None else mask.read()
            array, placement = prepare_volume(
                scan.read(), geometry.prepare_config, read_mask, name=scan.name
            )
        except ScanError as error:
            return error
        return Prepared(scan.name, scan.subject, array, placement)

    return Scans(len(scans), prepared)


def _error_of(fault: Fault) -> ScanError:
    """A fault that was found by name, whose text begins with its code already."""
    return ScanError(fault.code, fault.message.removeprefix(f"{fault.code} "))


def _stored(store: Store, sampler: Sampler, fold: Fold | None) -> Scans:
    shape = sampler.loaded.model.volume_shape
    if tuple(store.volume_shape) != tuple(shape):
        raise UsageError(f"{store.path} holds volumes of {store.volume_shape}, the model {shape}")
    entries = store.entries if fold is None else VolumeDataset(store, fold, part="held-out").entries

    def prepared(number: int) -> Prepared:
        entry = entries[number]
        array = store.load(entry)
        return Prepared(entry.source, entry.subject, array, entry, entry.label, entry.covariates)

    return Scans(len(entries), prepared)


def encode(sampler: Sampler, array: NDArray[np.float32]) -> Latents:
    """Latent code [1, z] of one prepared scan.

    Raises:
        UsageError: The model has no encoder.
    """
    model = sampler.loaded.model
    if "encoder" not in model.published() or not isinstance(model, Encodes):
        raise UsageError(
            f"{sampler.loaded.path} has no encoder, so it cannot encode or reconstruct"
        )
    with torch.no_grad():
        codes: Latents = model.encode(torch.from_numpy(array).to(sampler.device)[None, None])
    return codes


def label_of(sampler: Sampler, scan: Prepared) -> int | None:
    """The class with which a scan is rebuilt: its own.

    Raises:
        UsageError: The model is conditional and the scan has no label.
    """
    if not sampler.loaded.model.num_classes:
        return None
    if scan.label is None:
        raise UsageError(
            f"{scan.name} has no label and the model is conditional; prepare the scans with "
            "--labels and --label-column, and name the store"
        )
    return scan.label


def conditions_of(sampler: Sampler, scan: Prepared) -> dict[str, float] | None:
    """The covariates with which a scan is rebuilt: its own.

    Raises:
        UsageError: The model takes a covariate of which the scan has no number.
    """
    known = sampler.known_conditions
    if known is None:
        return None
    own: dict[str, float] = {}
    for name in known.names:
        number = number_of(scan.covariates, name)
        if number is None:
            raise UsageError(
                f"{scan.name} has no number for {name}, on which the model is conditioned; prepare "
                "the scans with --labels, and name the store"
            )
        own[name] = number
    return own


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A scan as the model rebuilds it beside the scan as it was prepared, on one grid.

    Both are in the scan's own intensities and lie where the scan lies.
    """

    volume: Volume
    prepared: Volume
    sha256: str
    """Of the rebuilt voxels, as `hash_of` gives it."""

    @property
    def error(self) -> float:
        """Mean absolute error, in the scan's own units."""
        # Slice by slice, as the rebuilt voxels may be on disk because memory does not hold them.
        pairs = zip(self.volume.voxels, self.prepared.voxels, strict=True)
        total = sum(float(np.abs(one - other).sum(dtype=np.float64)) for one, other in pairs)
        return total / self.prepared.voxels.size


@contextmanager
def reconstruction(sampler: Sampler, scan: Prepared, folder: Path) -> Iterator[Rebuilt]:
    """A scan rebuilt, for the length of a block.

    Args:
        sampler: The model. Where it streams, the volume is made slab by slab and waits in a
            nameless file; its voxels are the same.
        scan: What is encoded.
        folder: Where that file lies, 4 bytes a voxel; made if absent.

    Raises:
        UsageError: The model has no encoder, or is conditional and the scan has no label.
        DiskError: The folder cannot be written to, or is full.
    """
    if not sampler.streams:
        rebuilt, prepared = reconstruct(sampler, scan)
        yield Rebuilt(rebuilt, prepared, hash_of(rebuilt))
        return
    prepared = restore_volume(scan.array, scan.placement)
    slabs = _restored_slabs(sampler, scan)
    with spooled(slabs, prepared.shape, folder) as (voxels, sha256):
        yield Rebuilt(replace(prepared, voxels=voxels), prepared, sha256)


def reconstruct(sampler: Sampler, scan: Prepared) -> tuple[Volume, Volume]:
    """A scan as the model rebuilds it, and as it was prepared, on the same grid.

    Returns:
        Rebuilt and prepared volume in the scan's own intensities, lying where the scan lies.

    Raises:
        UsageError: The model has no encoder, or is conditional and the scan has no label.
    """
    prepared = restore_volume(scan.array, scan.placement)
    voxels = np.empty(prepared.shape, np.float32)
    first = 0
    for slab in _restored_slabs(sampler, scan):
        voxels[first : first + len(slab)] = slab
        first += len(slab)
    assert first == len(voxels), (first, voxels.shape)
    return replace(prepared, voxels=voxels), prepared


def _restored_slabs(sampler: Sampler, scan: Prepared) -> Iterator[NDArray[np.float32]]:
    """The rebuilt scan in its own intensities, from the first slice on."""
    labels = sampler.labels(label_of(sampler, scan), conditions_of(sampler, scan))
    codes = encode(sampler, scan.array)
    for slab in sampler.slabs(codes, labels):
        yield restore_volume(slab, scan.placement).voxels

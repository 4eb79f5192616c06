"""Encoding and reconstruction: scans to latent codes, and back to volumes that lie on the scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.placement import Placement
from hagan.data.protocols import prepare_volume, restore_volume
from hagan.data.scans import Fault, find_scans, match_masks
from hagan.data.store import Store
from hagan.data.volume import Volume
from hagan.errors import BadInputError, ScanError, UsageError
from hagan.inference.sampler import Sampler
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


def is_store(path: Path) -> bool:
    """Whether a path is a store rather than scans."""
    return (path / "index.json").is_file()


def prepared_scans(
    source: Path,
    sampler: Sampler,
    *,
    fold: Fold | None = None,
    masks: Path | None = None,
) -> Iterator[Prepared | ScanError]:
    """The scans of a store or a folder, each as the model takes it or with its fault.

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
        yield from _stored(Store.open(source), sampler, fold)
        return
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
    for scan in scans:
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
            yield error
            continue
        yield Prepared(scan.name, scan.subject, array, placement)


def _error_of(fault: Fault) -> ScanError:
    """A fault that was found by name, whose text begins with its code already."""
    return ScanError(fault.code, fault.message.removeprefix(f"{fault.code} "))


def _stored(store: Store, sampler: Sampler, fold: Fold | None) -> Iterator[Prepared]:
    shape = sampler.loaded.model.volume_shape
    if tuple(store.volume_shape) != tuple(shape):
        raise UsageError(f"{store.path} holds volumes of {store.volume_shape}, the model {shape}")
    entries = store.entries if fold is None else VolumeDataset(store, fold, part="held-out").entries
    for entry in entries:
        yield Prepared(entry.source, entry.subject, store.load(entry), entry, entry.label)


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


def reconstruct(sampler: Sampler, scan: Prepared) -> tuple[Volume, Volume]:
    """A scan as the model rebuilds it, and as it was prepared, on the same grid.

    Returns:
        Rebuilt and prepared volume in the scan's own intensities, lying where the scan lies.

    Raises:
        UsageError: The model has no encoder, or is conditional and the scan has no label.
    """
    codes = encode(sampler, scan.array)
    with torch.no_grad():
        rebuilt = sampler.loaded.model.generate(codes, sampler.one_hot(label_of(sampler, scan)))
    array = rebuilt[0, 0].float().cpu().numpy()
    return restore_volume(array, scan.placement), restore_volume(scan.array, scan.placement)

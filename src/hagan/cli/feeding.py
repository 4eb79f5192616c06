"""How training gets its batches: scans held on the device, or read ahead of the step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from hagan.config.training import TrainingConfig
from hagan.data.batches import Batches
from hagan.data.dataset import VolumeDataset
from hagan.data.resident import ResidentDataset, check_room, resident_bytes
from hagan.inference.memory import free_memory
from hagan.training.batch_source import BatchSource
from hagan.training.prefetch import Prefetched

Resident = Literal["auto", "always", "never"]

RESIDENT_SHARE = 0.25
"""Most of a GPU's free memory that `auto` gives to scans; the rest is for training."""

AHEAD = 2
"""Batches that are read ahead on a GPU. On a CPU a step leaves no core idle, and the thread would
only take turns with it."""


def holds_scans(resident: Resident, kind: str, needed: int, free: int | None) -> bool:
    """Decide whether the scans are held in the device's memory.

    Args:
        resident: What was asked for.
        kind: Of the device, such as cpu or cuda.
        needed: Bytes of the scans.
        free: Bytes that the device has to give; None where that is not known.
    """
    if resident != "auto":
        return resident == "always"
    return kind == "cuda" and free is not None and needed <= RESIDENT_SHARE * free


def batches_ahead(prefetch: int | None, kind: str) -> int:
    """Decide how many batches are read ahead.

    Args:
        prefetch: What was asked for; None where nothing was.
        kind: Of the device, such as cpu or cuda.
    """
    if prefetch is not None:
        return prefetch
    return 0 if kind == "cpu" else AHEAD


def choose_to_hold(dataset: VolumeDataset, device: str | torch.device, resident: Resident) -> bool:
    """Decide whether the scans are held in the device's memory, by what it has free.

    Args:
        dataset: The scans to train on.
        device: Where training runs.
        resident: What was asked for.

    Raises:
        OutOfMemoryError: The device was to hold the scans and cannot.
    """
    device = torch.device(device)
    free = free_memory(device)
    if not holds_scans(resident, device.type, resident_bytes(dataset), free):
        return False
    check_room(dataset, device, free)
    return True


@contextmanager
def feeding(
    dataset: VolumeDataset,
    training: TrainingConfig,
    device: str | torch.device,
    *,
    held: bool,
    prefetch: int | None,
) -> Iterator[BatchSource]:
    """Open the batches of a run for as long as the block lasts.

    They are the same, bit for bit, whatever the choice: it changes no result.

    Args:
        dataset: The scans to train on.
        training: Batch size, seed and mirroring.
        device: Where training runs.
        held: Whether its memory holds all scans.
        prefetch: Batches to read ahead where it does not; 0 reads each when it is needed, None
            does what suits the device.

    Raises:
        OutOfMemoryError: The device has no room for the scans.
        BadInputError: A file of the store is damaged.
    """
    kind = torch.device(device).type
    on_gpu = kind == "cuda"
    number = batches_ahead(prefetch, kind)
    batches = Batches(
        ResidentDataset(dataset, device) if held else dataset,
        training.batch_size,
        training.seed,
        mirror=training.mirror,
        pinned=on_gpu and not held,
    )
    if held or not number:
        yield batches
        return
    with Prefetched(batches, number, pin=on_gpu) as ahead:
        yield ahead

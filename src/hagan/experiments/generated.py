"""Volumes of a class-conditional run with chosen classes, kept as one array of int16."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hagan.data.files import atomic_path, make_folder
from hagan.data.quantised import quantise
from hagan.inference.sampler import Sampler


def labelled_samples(
    run: Path, labels: Sequence[int], folder: Path, seed: int, device: str
) -> Path:
    """Generate a volume for each label, unless that was done before.

    Args:
        run: A conditional run.
        labels: Class of each volume; the latent code of volume k does not depend on it.
        folder: Where the file lies; made.
        seed: Of the latent codes.
        device: Where to compute.

    Returns:
        An .npy of int16 [n, d, h, w] in the scale of a store.

    Raises:
        BadInputError: The run has no weights.
        UsageError: It is not conditional on such classes.
        DiskError: The file cannot be written.
    """
    sampler = Sampler.from_run(run, device, encodes=False)
    asked = f"{sampler.loaded.sha256}/{seed}/{list(labels)}"
    path = folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.npy"
    if path.is_file():
        return path
    make_folder(folder)
    shape = (len(labels), *sampler.loaded.model.volume_shape)
    with atomic_path(path) as beside:
        held = np.lib.format.open_memmap(beside, mode="w+", dtype=np.int16, shape=shape)
        for number, label in enumerate(labels):
            codes = sampler.latents(number, seed=seed)
            conditions = sampler.conditions(number, seed=seed, label=label)
            first = 0
            for slab in sampler.slabs(codes, sampler.labels(label, conditions)):
                held[number, first : first + len(slab)] = quantise(slab)
                first += len(slab)
        held.flush()
    return path

"""Small sets of volumes that look a little like bodies, and files of them by other hands."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from hagan.evaluation.bench import Instruments
from hagan.evaluation.comparison import Sides
from hagan.evaluation.extractors import random_resnet10_extractor
from hagan.evaluation.measuring import Cache
from hagan.evaluation.sets import ArraySet, Voxels

SIDE = 32
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


def body(seed: int, side: int = SIDE) -> Voxels:
    """An egg of its own size and tilt with texture, on -1."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, side)] * 3, indexing="ij")
    scales = rng.uniform(0.6, 0.9, 3)
    tilt = rng.uniform(-0.2, 0.2)
    d, h, w = axes
    radius = np.sqrt(
        (d / scales[0]) ** 2 + ((h + tilt * d) / scales[1]) ** 2 + (w / scales[2]) ** 2
    )
    texture = rng.normal(0, 0.08, radius.shape)
    inside = 0.5 - 0.6 * radius + texture + 0.3 * (w > 0.2) * (radius < 0.5)
    voxels = np.where(radius < 1, inside, -1.0)
    return np.clip(voxels, -1, 1).astype(np.float32)


def bodies(name: str, first: int, count: int, side: int = SIDE) -> ArraySet:
    """Volumes of seeds `first` onwards."""
    return ArraySet(
        name,
        [body(first + i, side) for i in range(count)],
        [f"subject-{first + i:03d}" for i in range(count)],
    )


def sides(count: int = 8) -> Sides:
    """A fake, a real and a known training set of different bodies."""
    return Sides(
        [bodies("model", 100, count)],
        bodies("real", 200, count + 2),
        bodies("train", 300, count + 1),
        train_is_known=True,
    )


def instruments(folder: Path | None = None) -> Instruments:
    """The extractor that needs nothing, and no classifier."""
    return Instruments([random_resnet10_extractor()], None, Cache(folder))


def write_foreign(
    folder: Path, seeds: range, *, side: int = SIDE, scale: float = 400.0, offset: float = 500.0
) -> Path:
    """NIfTI files as nibabel alone writes them, in intensities and axes of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        voxels = body(seed, side).transpose(2, 1, 0)[::-1, ::-1] * scale + offset
        image = nib.Nifti1Image(voxels.astype(np.int16), AFFINE)
        nib.save(image, folder / f"someone_{seed:03d}.nii.gz")
    return folder

"""Stores of a few small scans and untrained runs on them, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data.made import save_nifti, thorax
from hagan.config.codec import to_json
from hagan.config.data import PrepareConfig
from hagan.config.ha_gan import HAGANConfig
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.prepare import prepare
from hagan.data.store import Store
from hagan.inference.sampler import Sampler
from hagan.models.build import build_model
from hagan.models.gan import GAN
from hagan.models.weights import Loaded, save_model

SIDE = 32
THORAXES, BRAINS = 6, 3
CT_AFFINE = np.array([[-9.0, 0, 0, 120], [0, -9, 0, 130], [0, 0, 10, -250], [0, 0, 0, 1.0]])
MR_AFFINE = np.array([[4.0, 0, 0, -70], [0, 4.5, 0, -80], [0, 0, 5, -60], [0, 0, 0, 1.0]])


def save_ct(path: Path, seed: int) -> Path:
    """A thorax in the axes of most CT files: left, back, head."""
    return save_nifti(path, thorax((24, 30, 28), seed).transpose(2, 1, 0), CT_AFFINE)


def save_mr(path: Path, seed: int) -> Path:
    """An egg on black in RAS, each in an intensity scale of its own."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, size) for size in (36, 40, 30)), indexing="ij")
    radius = np.sqrt(x**2 + y**2 * 0.9 + z**2 * 1.1)
    noise = np.random.default_rng(seed).normal(1, 0.03, radius.shape)
    voxels = np.where(radius < 0.85, (1.2 - radius) * noise, 0) * (300, 500, 2000)[seed % 3]
    return save_nifti(path, np.maximum(voxels, 0).astype(np.float32), MR_AFFINE)


def make_store(folder: Path, *, labelled: bool = False) -> Store:
    """Six thorax CTs at side 32, of which the labelled ones have two classes."""
    for number in range(THORAXES):
        save_ct(folder / "scans" / f"sub-{number:02d}_ct.nii.gz", number)
    config = PrepareConfig(
        protocol="thorax-ct",
        volume_shape=(SIDE,) * 3,
        label_column="gold" if labelled else None,
    )
    table = folder / "table.csv"
    rows = "".join(f"sub-{n:02d},{'well' if n % 2 else 'ill'}\n" for n in range(THORAXES))
    table.write_text(f"subject,gold\n{rows}")
    report = prepare(
        folder / "scans", folder / "store", config, table=table if labelled else None, workers=1
    )
    assert len(report.done) == THORAXES
    return report.store


def make_mr_store(folder: Path) -> Store:
    """Three brains at side 32, each with a window of its own."""
    for number in range(BRAINS):
        save_mr(folder / "scans" / f"sub-{number:02d}_t1.nii.gz", number)
    config = PrepareConfig(protocol="brain-t1", volume_shape=(SIDE,) * 3)
    report = prepare(folder / "scans", folder / "store", config, workers=1)
    assert len(report.done) == BRAINS
    return report.store


def save_run(folder: Path, store: Store | None, *, seed: int = 0, **changes: Any) -> Path:
    """An untrained narrow HA-GAN as a run on a store; without one it knows no data."""
    narrow = {"volume_shape": (SIDE,) * 3, "width": 8, "latent_dim": 16, "high_norm": "rms"}
    model = HAGANConfig(**narrow | changes)
    config = RunConfig(name="narrow", model=model, training=TrainingConfig(steps=1))
    run = RunDir(folder)
    run.weights.parent.mkdir(parents=True)
    torch.manual_seed(seed)
    geometry = None if store is None else json.loads(store.geometry.to_json())
    save_model(build_model(model), run.weights, config=config, step=0, geometry=geometry)
    run.config.write_text(to_json(config))
    return folder


class Copying(GAN[Any]):
    """A model whose code is the volume itself, so that a reconstruction must be the scan."""

    def __init__(self, side: int = SIDE) -> None:
        super().__init__()
        self.volume_shape = (side,) * 3
        self.latent_dim = side**3
        self.num_classes = 0
        self.generator = nn.Linear(1, 1)

    def phases(self) -> list[Any]:
        return []

    def prepare(self, real: torch.Tensor, labels: torch.Tensor | None) -> None: ...

    def published(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "encoder": self.generator}

    def encode(self, volumes: torch.Tensor) -> torch.Tensor:
        return volumes.flatten(1)

    def generate(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return latents.view(len(latents), 1, *self.volume_shape)


def copying_sampler(store: Store) -> Sampler:
    """A sampler of the copying model on a store's data."""
    loaded = Loaded(
        model=Copying(),
        config=RunConfig(
            name="copying",
            model=HAGANConfig(volume_shape=(SIDE,) * 3),
            training=TrainingConfig(steps=1),
        ),
        step=0,
        geometry=json.loads(store.geometry.to_json()),
        sha256="0" * 64,
        path=Path("copying"),
    )
    return Sampler(loaded)


def read_by_hand(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Voxels [w, h, d] and affine of a NIfTI file, as nibabel alone reads them."""
    image = nib.load(path)
    return np.asarray(image.get_fdata()), np.asarray(image.affine)


def world_of_brightest(path: Path) -> NDArray[np.float64]:
    """RAS millimetres of the centre of a file's brightest spot, as nibabel reads it."""
    voxels, affine = read_by_hand(path)
    bright = np.argwhere(voxels > voxels.min() + 0.7 * np.ptp(voxels))
    return np.asarray((affine @ [*bright.mean(axis=0), 1.0])[:3])

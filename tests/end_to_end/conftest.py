"""A store of a few prepared phantoms, made once, and the program as another process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.config.data import PrepareConfig
from hagan.data.prepare import prepare


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight volumes of 32 x 32 x 32 with a ball of another size and place each."""
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 40)] * 3, indexing="ij"))
    for number in range(8):
        centre = rng.uniform(-0.2, 0.2, (3, 1, 1, 1))
        radius = rng.uniform(0.4, 0.8)
        ball = np.sqrt(np.square(grid - centre).sum(axis=0)) < radius
        voxels = (100 * ball + rng.normal(0, 3, ball.shape)).astype(np.float32)
        image = nib.Nifti1Image(voxels, np.diag([2.0, 2.0, 2.0, 1.0]))
        nib.save(image, folder / f"scan-{number}.nii.gz")
    out = tmp_path_factory.mktemp("prepared") / "store"
    config = PrepareConfig(protocol="generic", volume_shape=(32, 32, 32))
    report = prepare(folder, out, config, workers=1)
    assert len(report.done) == 8
    return out


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start `hagan` in a process of its own; one thread, so that many fit beside each other."""

    def run(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hagan", *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run

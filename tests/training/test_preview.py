"""Previews: a picture that is a PNG, marked synthetic, the same for the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib import image

from hagan.training.preview import write_preview
from hagan.training.trainer import Trainer


def test_picture_shows_real_fake_and_rebuilt(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    trainer = make_trainer()
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        write_preview(trainer.model, trainer.batches.at(0), path, device="cpu")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"Synthetic" in paths[0].read_bytes()
    picture = np.asarray(image.imread(paths[0]))
    # Three rows of volumes of 32 voxels, each voxel at least one pixel.
    assert picture.shape[0] > 3 * 32
    assert picture.std() > 0.05
    assert trainer.model.training

"""Preview pictures: real, fake and rebuilt volumes in three planes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hagan.data.batches import Batch
from hagan.data.montage import montage
from hagan.data.png import write_png
from hagan.models.gan import GAN, Encodes
from hagan.types import Volumes

NUM_VOLUMES = 4
PREVIEW_SEED = 0


@torch.no_grad()
def write_preview(
    model: GAN[Any], batch: Batch, path: Path, *, device: torch.device | str
) -> tuple[Volumes, Volumes]:
    """Write a PNG with a row of real volumes, one of fakes and, with an encoder, one of rebuilt.

    The fakes come from the same latents in every preview of a run, so that pictures can be
    compared. The caller's random state is disturbed; the trainer seeds each step anew.

    Returns:
        The real volumes and the fakes, on the CPU.
    """
    was_training = model.training
    model.eval()
    real = batch.volumes[:NUM_VOLUMES].to(device)
    labels = None
    if batch.labels is not None and model.label_dim:
        labels = batch.labels[:NUM_VOLUMES].to(device)
    torch.manual_seed(PREVIEW_SEED)
    latents = model.draw_latents(len(real))
    rows = [("real", _arrays(real))]
    # One volume at a time, so that a preview never needs more memory than a training step.
    fake = _one_by_one(model, latents, labels)
    rows.append(("fake", fake))
    if isinstance(model, Encodes) and "encoder" in model.published():
        codes = torch.cat([model.encode(volume[None]) for volume in real])
        rows.append(("rebuilt", _one_by_one(model, codes, labels)))
    model.train(was_training)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, montage(rows), {"Synthetic": "yes", "Software": "hagan"})
    return real.float().cpu(), torch.from_numpy(np.stack(fake))[:, None]


def _one_by_one(
    model: GAN[Any], latents: Tensor, labels: Tensor | None
) -> list[NDArray[np.float32]]:
    volumes = []
    for index in range(len(latents)):
        label = None if labels is None else labels[index : index + 1]
        volumes += _arrays(model.generate(latents[index : index + 1], label))
    return volumes


def _arrays(volumes: Tensor) -> list[NDArray[np.float32]]:
    return [volume[0].float().cpu().numpy() for volume in volumes]

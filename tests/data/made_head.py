"""Whole heads made of brain phantoms: fluid, skull and scalp around them, with known truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.phantom.brain import render_brain
from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.volume import Volume

ABSENT = [name for name in ("SimpleITK", "deepbet", "nilearn") if find_spec(name) is None]
needs_extra = pytest.mark.skipif(
    bool(ABSENT), reason=f"EXTRA ABSENT: {', '.join(ABSENT)}; pip install 'hagan[brain]'"
)

FIELD_MM = 192.0
AROUND_MM = 24.0


@dataclass(frozen=True, eq=False)
class MadeHead:
    """A head and what is true of it."""

    head: Volume
    brain: NDArray[np.bool_]
    white: NDArray[np.bool_]
    stripped: Volume


def canonical(shape: tuple[int, int, int], spacing: float) -> NDArray[np.float64]:
    """Axes to the head, the back and the left, the world's origin in the middle."""
    affine = np.zeros((4, 4))
    affine[(2, 1, 0), (0, 1, 2)] = spacing * np.array([1, -1, -1])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    affine[3, 3] = 1
    return affine


@cache
def made_head(side: int = 96, subject: int = 0) -> MadeHead:
    """A T1 head of 240 mm around a brain phantom; fluid, skull and scalp are shells."""
    rendered = render_brain(draw_brain(5, subject), side, masks=True)
    spacing = FIELD_MM / side
    pad = round(AROUND_MM / spacing)
    masks = {name: np.pad(mask, pad) for name, mask in rendered.masks.items()}
    brain = np.asarray(sum(masks[name] for name in ("gm", "wm", "csf")) >= 0.5)
    voxels = np.pad(rendered.voxels, pad)
    stripped = voxels.copy()
    away = ndimage.distance_transform_edt(~brain, sampling=spacing)
    rng = np.random.default_rng(subject)
    for near, far, signal in ((0, 2, 0.2), (2, 8, 0.08), (8, 15, 0.85)):
        shell = (away > near) & (away <= far)
        voxels[shell] = signal
    voxels += np.abs(rng.normal(0, 0.02, voxels.shape))
    affine = canonical(voxels.shape, spacing)
    return MadeHead(
        Volume((voxels * 500).astype(np.float32), affine, "mr"),
        brain,
        np.asarray(masks["wm"] > 0.9),
        Volume((stripped * 500).astype(np.float32), affine, "mr"),
    )


def small_brain(seed: int = 0) -> tuple[Volume, NDArray[np.bool_]]:
    """A lopsided brain-like blob in 180 mm at 3 mm, made at once: shell, core, two cavities."""
    z, y, x = np.meshgrid(*(np.linspace(-90, 90, 60) for _ in range(3)), indexing="ij")
    rng = np.random.default_rng(seed)
    inside = (z / 55) ** 2 + (y / 80) ** 2 + (x / 62) ** 2 < 1
    inside &= ~((z < -20) & (y < 0))  # the face: front and back, head and foot differ
    voxels = np.where(inside, 60.0, 0.0)
    voxels[inside & ((z / 42) ** 2 + (y / 66) ** 2 + (x / 50) ** 2 < 1)] = 100
    voxels[((z - 5) / 12) ** 2 + ((y - 8) / 30) ** 2 + ((x - 14) / 8) ** 2 < 1] = 20
    voxels[((z - 5) / 12) ** 2 + ((y + 4) / 22) ** 2 + ((x + 16) / 6) ** 2 < 1] = 20
    voxels[((z - 25) / 10) ** 2 + ((y - 30) / 12) ** 2 + ((x - 32) / 9) ** 2 < 1] = 25  # left only
    voxels += np.where(inside, rng.normal(0, 2, voxels.shape), 0)
    spacing = 180 / 59
    volume = Volume(voxels.astype(np.float32), canonical(voxels.shape, spacing), "mr")
    return volume, np.asarray(inside)

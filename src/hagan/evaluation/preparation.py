"""What a feature extractor makes of a volume before its network sees it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from hagan.config.evaluation import Normalisation

NOISE_SEED = 56448

AUTHORS_GRID = (160, 224, 224)
"""Voxels along z, x, y that Astra was trained on."""

AIR, SOFT_TISSUE = -1000.0, 200.0
"""Hounsfield units that Astra was trained to see as 0 and 1."""


def normalise(normalisation: Normalisation) -> Callable[[Tensor], Tensor]:
    """A function that makes MedicalNet's input [1, 1, d, h, w] of a volume in [-1, 1].

    - `raw`: the volume as it is, what the paper's authors did.
    - `zscore_pos`: mean 0 and deviation 1 over the voxels above the background, and noise of a
      fixed seed for the background: what MedicalNet was trained on.
    - `zscore_all`: mean 0 and deviation 1 over all voxels, what MONAI does.

    Where all voxels that count are equal, they become 0; a blank volume is noise alone.
    """
    functions: dict[Normalisation, Callable[[Tensor], Tensor]] = {
        "raw": lambda volume: volume,
        "zscore_pos": _standardise_foreground,
        "zscore_all": _standardise,
    }
    function = functions[normalisation]
    return lambda volume: function(volume)[None, None]


def _standardise(voxels: Tensor) -> Tensor:
    exact = voxels.double()
    spread = exact.std(correction=0) if bool(exact.max() > exact.min()) else torch.ones(())
    return ((exact - exact.mean()) / spread).float()


def _standardise_foreground(volume: Tensor) -> Tensor:
    # Drawn for the whole grid: which voxels are background then moves no other voxel's noise.
    noise = np.random.default_rng(NOISE_SEED).standard_normal(tuple(volume.shape), np.float32)
    result = torch.from_numpy(noise)
    foreground = volume > -1.0
    if bool(foreground.any()):
        result[foreground] = _standardise(volume[foreground])
    return result


def chest_input(volume: Tensor, window: tuple[float, float], *, whole: bool) -> Tensor:
    """Astra's input [1, 1, z, x, y] in [0, 1] of a volume [d, h, w] in [-1, 1].

    Args:
        volume: The volume.
        window: Hounsfield units of -1 and 1.
        whole: Crop and resize too, before values are clipped, as the authors did.
    """
    low, high = window
    hounsfield = (volume + 1.0) / 2.0 * (high - low) + low
    # d h w point up, back, left; z x y up, right, front.
    turned = hounsfield.permute(0, 2, 1).flip(1, 2)
    if whole:
        turned = _foreground(turned)
        turned = nn.functional.interpolate(turned[None, None], size=AUTHORS_GRID, mode="area")[0, 0]
    return ((turned - AIR) / (SOFT_TISSUE - AIR)).clamp(0.0, 1.0)[None, None]


def _foreground(hounsfield: Tensor) -> Tensor:
    """The smallest box around all voxels denser than air; everything where there is none."""
    dense = hounsfield > AIR
    if not bool(dense.any()):
        return hounsfield
    box = []
    for others in ((1, 2), (0, 2), (0, 1)):
        inside = torch.nonzero(dense.any(dim=others)).flatten()
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return hounsfield[tuple(box)]

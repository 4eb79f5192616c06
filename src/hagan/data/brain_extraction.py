"""The brain in a whole head, found by the two networks that deepbet's package brings.

As Fisch et al. 2024 (Computers in Biology and Medicine 179, 108845) describe it: one network finds
the brain's box in a coarse copy of the head, another one its outline within that box. The largest
part counts, with its holes filled.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from hagan.data.link_net import LinkNet, load_link_net
from hagan.data.morphology import Mask, largest_part
from hagan.data.packaged import packaged_file
from hagan.data.transforms import Box
from hagan.data.volume import Volume
from hagan.errors import ScanError

PACKAGE = "deepbet"
BOX_FILE = "data/models/bbox_model.pt"
BOX_SHA256 = "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa"
OUTLINE_FILE = "data/models/model.pt"
OUTLINE_SHA256 = "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd"

COARSE, FINE = 128, 256
"""Voxels an axis that the networks were trained on."""

QUANTILES = (0.005, 0.995)
"""Intensities of the coarse head beyond which everything is clipped."""

MEAN, DEVIATION = 0.449, 0.226
"""What the networks' inputs are brought to: ImageNet's, averaged over colours."""

SHARE_OF_PLANE = 0.02
"""Of a plane that brain covers where the box begins."""

MARGIN = 0.1
"""By which the box is enlarged on each side, of its length."""

PLAUSIBLE_ML = (700.0, 2200.0)
"""Of a brain from childhood on, with the fluid in and around it."""


def brain_mask(head: Volume, *, name: str = "scan") -> Mask:
    """Find the brain in a T1 scan of a head.

    Args:
        head: The scan in canonical orientation.
        name: What error texts call it.

    Returns:
        The brain with its ventricles, [d, h, w], of any size; see `check_volume`.

    Raises:
        ScanError: E106 the scan is blank; E124 there is no brain in it.
        UsageError: deepbet is not installed.
        UnsafeFileError: Its networks are others than the known ones.
    """
    # The networks know x, y, z to the right, the front and the head; ours are head, back, left.
    voxels = head.voxels.transpose(2, 1, 0)[::-1, ::-1]
    mask = _in_ras(np.ascontiguousarray(voxels), name)
    return np.ascontiguousarray(mask[::-1, ::-1].transpose(2, 1, 0))


def check_volume(mask: Mask, head: Volume, name: str) -> None:
    """Refuse a brain that no human has.

    Args:
        mask: The brain, [d, h, w].
        head: The scan that it was found in.
        name: What error texts call the scan.

    Raises:
        ScanError: E124.
    """
    found_ml = np.count_nonzero(mask) * abs(float(np.linalg.det(head.affine[:3, :3]))) / 1000
    low, high = PLAUSIBLE_ML
    if not low <= found_ml <= high:
        raise ScanError(
            "E124",
            f"{name}: the brain that was found has {found_ml:.0f} ml, expected {low:.0f} to "
            f"{high:.0f}; if this is a T1 scan of a head, mask it by other means and use --masks",
        )


def load_networks() -> None:
    """Read the two networks once for all scans of this process.

    Raises:
        UsageError: deepbet is not installed.
        BadInputError: A file of it cannot be read.
        UnsafeFileError: Its networks are others than the known ones.
    """
    _box_network()
    _outline_network()


def _in_ras(voxels: NDArray[np.float32], name: str) -> Mask:
    head = torch.from_numpy(voxels)
    coarse = _resized(head, (COARSE,) * 3)
    low, high = (float(coarse.quantile(share)) for share in QUANTILES)
    if low == high:
        raise ScanError("E106", f"{name}: nearly every voxel is {low:g}")
    rough = _probability(_box_network(), coarse, low, high) > 0.5
    box = _box(largest_part(rough.numpy()), voxels.shape)
    if box is None:
        raise ScanError("E124", f"{name}: no brain was found; is it a T1 scan of a head?")
    place = tuple(slice(start, stop) for start, stop in box)
    part = head[place]
    fine = _probability(_outline_network(), _resized(part, (FINE,) * 3), low, high)
    # Back in one smooth step: the nearest of several fine voxels would roughen the outline.
    size = tuple(part.shape)
    back = interpolate(fine[None, None], size, mode="trilinear", align_corners=False)[0, 0]
    mask = np.zeros(voxels.shape, bool)
    mask[place] = ndimage.binary_fill_holes(largest_part((back > 0.5).numpy()))
    return mask


def _resized(voxels: Float[Tensor, "x y z"], size: tuple[int, ...]) -> Float[Tensor, "X Y Z"]:
    """The nearest voxels, as in training."""
    return interpolate(voxels[None, None], size, mode="nearest-exact")[0, 0]


def _probability(
    network: LinkNet, voxels: Float[Tensor, "x y z"], low: float, high: float
) -> Float[Tensor, "x y z"]:
    clipped = ((voxels - low) / (high - low)).clamp(0, 1)
    spread = clipped.std().clamp_min(1e-6)
    with torch.inference_mode():
        found = network(((clipped - clipped.mean()) / spread * DEVIATION + MEAN)[None, None])
    brain: Tensor = found[0, 1]
    return brain


def _box(rough: Mask, shape: tuple[int, ...]) -> Box | None:
    """Where the brain lies in a grid of another shape, with a margin."""
    spans = []
    for axis, size in enumerate(shape):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(rough.mean(axis=others) > SHARE_OF_PLANE)
        if held.size == 0:
            return None
        step = size / rough.shape[axis]
        first, last = held[0] * step, (held[-1] + 1) * step
        margin = MARGIN * (last - first)
        start, stop = round(first - margin), round(last + margin)
        spans.append((max(0, start), min(size, stop)))
    return spans[0], spans[1], spans[2]


@cache
def _box_network() -> LinkNet:
    return load_link_net(packaged_file(PACKAGE, BOX_FILE, BOX_SHA256), BOX_FILE)


@cache
def _outline_network() -> LinkNet:
    return load_link_net(packaged_file(PACKAGE, OUTLINE_FILE, OUTLINE_SHA256), OUTLINE_FILE)

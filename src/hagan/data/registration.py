"""Affine registration of a brain to a template, and resampling on the template's grid.

Seven, then twelve degrees of freedom, coarse to fine, by the correlation of two T1 brains with
nothing around them. Every voxel of the coarse grids counts and nothing is drawn at random, so the
same scan gives the same transform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import grid_sample

from hagan.data.morphology import Mask, dice, grown
from hagan.data.volume import Volume
from hagan.errors import ScanError

STAGES = (("similarity", 8.0), ("similarity", 4.0), ("affine", 4.0), ("affine", 2.0))
"""Degrees of freedom, and the distance in mm between the points that are compared."""

BLUR = 0.5
"""Standard deviation of the smoothing, in distances between points."""

ITERATIONS = 60
RADIUS_MM = 70.0
"""Of a brain: a parameter of 1 moves its surface about as much, whatever the parameter."""

AROUND_MM = 8.0
"""Around the template's brain: its outline counts as well."""

PLAUSIBLE_SCALE = (0.7, 1.6)
"""By which a brain grows towards the template's, along any axis."""

PLAUSIBLE_TURN = 60.0
"""Degrees by which a head may lie askew in the scanner."""

LEAST_DICE = 0.85
"""Overlap of the two brains when they lie on each other."""

LEAST_CORRELATION = 0.6
"""Of the intensities in and around the template's brain then."""


@dataclass(frozen=True, eq=False)
class Registration:
    """Where a brain lies in a template's space."""

    to_scanner: NDArray[np.float64]
    """4 x 4: millimetres of the template's space to the scanner's, both RAS."""
    overlap: float
    """Dice of the two brains, 0 to 1."""
    correlation: float
    """Of the intensities in and around the template's brain."""


def register(brain: Volume, mask: Mask, template: Volume) -> Registration:
    """Find the affine transform under which a brain looks most like the template.

    Args:
        brain: Intensities; what is outside the mask does not count.
        mask: Where the brain is, [d, h, w]; not empty.
        template: A brain with 0 around it.

    Returns:
        The transform, whatever it is; see `check_registration`.
    """
    inside = template.voxels > 0
    around = grown(inside, AROUND_MM, template.spacing)
    # Bright noise that is left, as eyes and vessels, would lead the correlation.
    top = float(np.quantile(brain.voxels[mask], 0.99))
    clipped = np.where(mask, np.clip(brain.voxels, 0, top), np.float32(0))
    stripped = Volume(clipped, brain.affine)
    start = _start(template, inside, brain, mask)
    free, correlation = torch.zeros(7, dtype=torch.float64), 0.0
    for kind, apart in STAGES:
        if kind == "affine":
            free = _twelve(free)
        free, correlation = _best(_Compared(template, around, stripped, apart, start), free)
    to_scanner = start @ _matrix(free).numpy()
    there = resample(Volume(mask.astype(np.float32), brain.affine), to_scanner, template)
    overlap = dice(there.voxels > 0.5, inside)
    return Registration(to_scanner, overlap, correlation)


def check_registration(registration: Registration, name: str) -> None:
    """Refuse a transform that no head needs.

    Args:
        registration: The transform and how well the brains fit.
        name: What error texts call the scan.

    Raises:
        ScanError: E125.
    """
    linear = registration.to_scanner[:3, :3]
    left, stretch, right = np.linalg.svd(linear)
    turn = float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))
    low, high = PLAUSIBLE_SCALE
    grows = 1 / np.maximum(stretch, 1e-6)
    said = ""
    if not np.linalg.det(linear) > 0:
        said = "left and right would be swapped"
    elif grows.min() < low or grows.max() > high:
        said = f"it would grow by {grows.min():.2f} to {grows.max():.2f}, expected {low} to {high}"
    elif turn > PLAUSIBLE_TURN:
        said = f"it would turn by {turn:.0f} degrees, expected at most {PLAUSIBLE_TURN:.0f}"
    elif registration.overlap < LEAST_DICE:
        said = f"they overlap by {registration.overlap:.2f}, expected {LEAST_DICE} at least"
    elif not registration.correlation >= LEAST_CORRELATION:
        told = f"{registration.correlation:.2f}, expected {LEAST_CORRELATION} at least"
        said = f"their intensities correlate by {told}"
    if said:
        raise ScanError(
            "E125", f"{name}: the brain does not come to lie on the template's: {said}; look at it"
        )


def resample(volume: Volume, to_scanner: NDArray[np.float64], grid: Volume) -> Volume:
    """Bring a volume to a template's grid, trilinearly; what lies outside of it is 0.

    Args:
        volume: In the scanner's space.
        to_scanner: 4 x 4: millimetres of the grid's space to the scanner's.
        grid: Whose voxels are filled.

    Returns:
        The volume with the grid's affine.
    """
    index = np.linalg.inv(volume.affine) @ to_scanner @ grid.affine
    voxels = ndimage.affine_transform(
        volume.voxels, index[:3, :3], index[:3, 3], grid.shape, order=1, output=np.float32
    )
    return Volume(voxels, grid.affine.copy(), volume.modality)


def _start(template: Volume, inside: Mask, brain: Volume, mask: Mask) -> NDArray[np.float64]:
    """Centre on centre, at the scale of the two volumes: the template's middle to the scan's."""
    centres, sizes = [], []
    for volume, region in ((template, inside), (brain, mask)):
        voxel = np.array(ndimage.center_of_mass(region))
        centres.append((volume.affine @ np.append(voxel, 1))[:3])
        voxel_mm3 = abs(float(np.linalg.det(volume.affine[:3, :3])))
        sizes.append(np.count_nonzero(region) * voxel_mm3)
    scale = (sizes[1] / sizes[0]) ** (1 / 3)
    start = np.diag([scale, scale, scale, 1.0])
    start[:3, 3] = centres[1] - scale * centres[0]
    return start


class _Compared:
    """Points of the template with their intensities, and the scan that is asked for its own."""

    def __init__(
        self,
        template: Volume,
        around: Mask,
        brain: Volume,
        apart: float,
        start: NDArray[np.float64],
    ) -> None:
        stride = tuple(max(1, round(apart / step)) for step in template.spacing)
        thin = tuple(slice(None, None, step) for step in stride)
        voxels = np.argwhere(around[thin]) * stride
        world = voxels @ template.affine[:3, :3].T + template.affine[:3, 3]
        self.points = torch.from_numpy(world)
        values = _blurred(template, apart)[tuple(voxels.T)]
        self.values = torch.from_numpy(values).double()
        self.values -= self.values.mean()
        self.scan = torch.from_numpy(_blurred(brain, apart))[None, None]
        # World to the range of grid_sample, whose axes run along w, h, d from -1 to 1.
        self.to_index = torch.from_numpy(np.linalg.inv(brain.affine) @ start)
        self.half = (torch.tensor(brain.shape, dtype=torch.float64) - 1) / 2

    def correlation(self, matrix: Float[Tensor, "4 4"]) -> Float[Tensor, ""]:
        """Of the two intensities at all points; 0 where the scan has nothing."""
        whole = self.to_index @ matrix
        index = self.points @ whole[:3, :3].T + whole[:3, 3]
        grid = (index / self.half - 1).flip(-1).float()
        found = grid_sample(self.scan, grid[None, None, None], align_corners=True)
        other = found.flatten().double()
        other = other - other.mean()
        size = (self.values.square().sum() * other.square().sum()).sqrt()
        return (self.values * other).sum() / (size + 1e-12)


def _blurred(volume: Volume, apart: float) -> NDArray[np.float32]:
    sigmas = [BLUR * apart / step for step in volume.spacing]
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(volume.voxels, sigmas, truncate=3.0)
    return smooth


def _best(compared: _Compared, start: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], float]:
    """The parameters with the highest correlation, found downhill from a start."""
    free = start.clone().requires_grad_(True)
    search = torch.optim.LBFGS(
        [free],
        max_iter=ITERATIONS,
        tolerance_grad=1e-6,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )

    def loss() -> float:
        search.zero_grad()
        value: Tensor = 1 - compared.correlation(_matrix(free))
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    search.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return free.detach(), float(compared.correlation(_matrix(free)))


def _twelve(free: Float[Tensor, " n"]) -> Float[Tensor, " 12"]:
    """Turn, scale and shift as the twelve numbers of any affine transform; twelve as they are."""
    if free.numel() == 12:
        return free
    x, y, z, scale = free[:4]
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    linear = torch.exp(scale) * torch.linalg.matrix_exp(skew)
    return torch.cat([(linear - torch.eye(3, dtype=free.dtype)).flatten(), free[4:]])


def _matrix(free: Float[Tensor, " n"]) -> Float[Tensor, "4 4"]:
    """A transform of the template's millimetres; no parameter at all is the identity."""
    twelve = _twelve(free)
    linear = torch.eye(3, dtype=free.dtype) + twelve[:9].view(3, 3)
    top = torch.cat([linear, RADIUS_MM * twelve[9:, None]], dim=1)
    return torch.cat([top, torch.tensor([[0, 0, 0, 1]], dtype=free.dtype)])

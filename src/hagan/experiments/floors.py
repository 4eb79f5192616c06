"""Features that no GAN has learned: what encoded latents have to beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch.nn import functional

from hagan.data.dataset import Fold
from hagan.data.store import Store
from hagan.evaluation.extractors import random_resnet10_extractor

Features = Mapping[str, Float64[ndarray, " f"]]
"""By the path of the scan below the folder that was prepared."""

POOLED = 32
"""Boxes along each axis whose means principal components are taken of."""

COMPONENTS = 64


def principal_components(store: Store, fold: Fold) -> Features:
    """Principal components of box means, found on the training scans."""
    means = np.stack([_boxes(store.load(entry)) for entry in store.entries])
    train = np.array([not fold.holds_back(entry.subject) for entry in store.entries])
    count = min(COMPONENTS, int(train.sum()) - 1)
    model = PCA(n_components=count, svd_solver="full").fit(means[train])
    codes = model.transform(means)
    return {entry.source: code for entry, code in zip(store.entries, codes, strict=True)}


def _boxes(volume: NDArray[np.float32]) -> NDArray[np.float64]:
    tensor = torch.from_numpy(volume)[None].double()
    d, h, w = (min(POOLED, length) for length in volume.shape)
    values: NDArray[np.float64] = (
        functional.adaptive_avg_pool3d(tensor, (d, h, w)).flatten().numpy()
    )
    return values


def network_features(store: Store) -> Features:
    """Features of a network that knows no anatomy."""
    extract = random_resnet10_extractor()
    return {entry.source: extract(store.load(entry)) for entry in store.entries}

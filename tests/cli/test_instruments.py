"""Which extractors are used: all at hand, or those that are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hagan.cli.evaluate import Evaluate
from hagan.cli.instruments import extractors, instruments
from hagan.errors import BadInputError, UsageError
from hagan.networks.resnet import ResNet

WINDOW = (-1024.0, 600.0)


def names(flags: Evaluate) -> list[str]:
    return [item.name for item in extractors(flags, WINDOW, "cpu")]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet_10.pth"
    state = {f"module.{name}": value for name, value in ResNet(10).state_dict().items()}
    torch.save({"state_dict": state}, path)
    return path


@pytest.mark.slow
def test_all_at_hand_are_taken(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hagan.evaluation.extractors.has_astra", lambda: False)
    assert names(Evaluate()) == ["random-resnet10"]
    assert names(Evaluate(med3d=weights)) == ["random-resnet10", "med3d-resnet10"]


def test_named_ones_are_taken_in_their_order(weights: Path) -> None:
    flags = Evaluate(extractors=("med3d", "random-resnet10", "med3d"), med3d=weights)
    assert names(flags) == ["med3d-resnet10", "random-resnet10"]


def test_the_authors_definitions_take_their_extractor(weights: Path) -> None:
    assert names(Evaluate(preset="ha-gan", med3d=weights)) == ["med3d-resnet10"]
    with pytest.raises(UsageError, match=r"--med3d resnet_50\.pth"):
        names(Evaluate(preset="ha-gan"))


def test_a_normalisation_is_another_extractor(weights: Path) -> None:
    plain = Evaluate(extractors=("med3d",), med3d=weights)
    scaled = Evaluate(extractors=("med3d",), med3d=weights, normalisation="zscore_all")
    one, two = (extractors(flags, WINDOW, "cpu")[0] for flags in (plain, scaled))
    assert one.definition["normalisation"] != two.definition["normalisation"]
    assert one.definition["weights_sha256"] == two.definition["weights_sha256"]


def test_strangers_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no extractor is called 'vgg'; there are random-resnet10"):
        names(Evaluate(extractors=("vgg",)))
    path = tmp_path / "resnet_50.pth"
    path.write_bytes(b"PK\x03\x04 half")
    with pytest.raises(BadInputError, match="resnet_50"):
        names(Evaluate(extractors=("med3d",), med3d=path))


@pytest.mark.slow
def test_the_cache_is_used_unless_it_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAGAN_CACHE", str(tmp_path))
    plain = ("random-resnet10",)
    assert instruments(Evaluate(extractors=plain), WINDOW).cache.folder == tmp_path
    assert instruments(Evaluate(extractors=plain, keep=False), WINDOW).cache.folder is None
    named = Evaluate(extractors=plain, cache=tmp_path / "x")
    assert instruments(named, WINDOW).cache.folder == tmp_path / "x"

"""New volumes on demand are those that the commands make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hagan.app.latent import Wish, Workshop, facts_of, wish_of
from hagan.app.library import Library
from hagan.app.root import Root
from hagan.app.volumes import Volumes
from hagan.errors import BadInputError, HaganError, UsageError
from hagan.inference.latent_space import Direction, moved
from hagan.inference.sampler import Sampler


@pytest.fixture
def workshop(shelf: Path) -> Workshop:
    return Workshop(Library(Root.of(shelf)), Volumes())


def wish(workshop: Workshop, **content: object) -> Wish:
    run = workshop.library.findings.runs[0]
    return wish_of(run.id, workshop.weights_of(run)[1], content)


def test_a_sample_is_that_of_hagan_generate(workshop: Workshop, run: Path) -> None:
    found = workshop.volume(wish(workshop, seed=3, index=2))
    expected = Sampler.from_run(run).sample(2, seed=3)
    np.testing.assert_array_equal(found.voxels, expected.voxels)
    np.testing.assert_array_equal(found.affine, expected.affine)


def test_a_slider_moves_the_code_to_its_value(workshop: Workshop, run: Path, shelf: Path) -> None:
    (shown,) = workshop.directions_of(workshop.weights_of(workshop.library.findings.runs[0])[1])
    assert (shown["target"], shown["unit"]) == ("lung", "ml")
    assert shown["low"] < min(shown["quantiles"])
    start = workshop.predictions(wish(workshop))[shown["id"]]
    direction, sampler = Direction.load(shelf / "lung.npz"), Sampler.from_run(run)
    code = sampler.latents(0, seed=0).double().numpy()
    assert start == pytest.approx(float(direction.predict(code)[0]))
    volume = workshop.volume(wish(workshop, moves={shown["id"]: 3004.5}))
    code = torch.from_numpy(moved(code, direction, 3004.5).astype(np.float32))
    expected = sampler.decode(code)
    np.testing.assert_allclose(volume.voxels, expected.voxels, atol=2)


def test_what_was_made_is_in_the_library(workshop: Workshop) -> None:
    key = workshop.make(wish(workshop, seed=5))
    volume = workshop.library.volume(key)
    assert (volume.provenance, volume.name) == ("fake", "seed 5, number 0")
    assert workshop.volumes.get(volume).shape == (32, 32, 32)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"seed": -1},
        {"seed": True},
        {"seed": 2**31},
        {"index": "1"},
        {"moves": []},
        {"moves": {"a": "b"}},
        {"moves": {"a": float("nan")}},
        {"moves": {str(n): 1 for n in range(17)}},
        {"label": 0.5},
        {"along": "nowhere"},
    ],
)
def test_wishes_that_are_none(content: object) -> None:
    with pytest.raises(UsageError):
        wish_of("run", "0" * 64, content)


def test_unknown_directions_and_old_weights_are_told(workshop: Workshop) -> None:
    with pytest.raises(HaganError, match="nothing of that name"):
        workshop.volume(wish(workshop, moves={"gone": 1.0}))
    run = workshop.library.findings.runs[0]
    with pytest.raises(HaganError):
        workshop.volume(wish_of(run.id, "0" * 64, {}))


def test_facts_of_weights(run: Path, tmp_path: Path) -> None:
    assert facts_of(run / "weights" / "model.safetensors")["recipe"] == "narrow"
    (tmp_path / "a.safetensors").write_bytes(b"x")
    with pytest.raises(BadInputError, match="not weights"):
        facts_of(tmp_path / "a.safetensors")

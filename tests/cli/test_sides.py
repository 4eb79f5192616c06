"""What a path is: run, store or folder, and whose fold is held out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from evaluation.made import write_foreign
from hagan.cli.sides import held_back, is_run, open_run, open_side, split_by_fold
from hagan.config.codec import from_json, to_json
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError
from hagan.evaluation.folders import FolderSource
from hagan.evaluation.sources import Grid, StoreSource
from hagan.inference.sampler import Sampler


@contextmanager
def silent(what: str, total: int) -> Iterator[Callable[[], None]]:
    yield lambda: None


def test_paths_are_known_for_what_they_are(run: Path, store: Store, tmp_path: Path) -> None:
    assert is_run(run)
    assert is_run(RunDir(run).weights)
    assert not is_run(store.path)
    assert isinstance(open_side(store.path, silent), StoreSource)
    assert isinstance(open_side(write_foreign(tmp_path, range(2)), silent), FolderSource)
    with pytest.raises(UsageError, match="is a run; name real volumes"):
        open_side(run, silent)
    with pytest.raises(UsageError, match="feature files for both sides"):
        open_side(tmp_path / "a.npz", silent)


def test_a_run_makes_what_generate_makes(run: Path, store: Store) -> None:
    source = open_run(run, 2, 5, "cpu")
    volumes = source.volumes("model", Grid((32, 32, 32), None))
    assert len(volumes) == 2
    expected = Sampler.from_run(run).sample(1, seed=5).voxels
    assert np.allclose(volumes.volume(1), store.geometry.window.window(expected))
    assert source.is_ct


def test_a_conditional_run_takes_its_classes_in_turn(labelled_run: Path) -> None:
    volumes = open_run(labelled_run, 3, 0, "cpu").volumes("model", Grid((32, 32, 32), None))
    sampler = Sampler.from_run(labelled_run)
    for index, label in ((0, 0), (1, 1), (2, 0)):
        made = sampler.sample(index, seed=0, label=label).voxels
        assert sampler.geometry is not None
        expected = sampler.geometry.window.window(made)
        assert np.allclose(volumes.volume(index), expected), index


def test_a_run_brings_its_fold_only_for_its_own_store(
    run: Path, store: Store, tmp_path: Path
) -> None:
    own = tmp_path / "run"
    own.mkdir()
    config = from_json(RunConfig, RunDir(run).config.read_text(), where="run")
    from dataclasses import replace

    (own / "config.json").write_text(to_json(replace(config, fold="1/5")))
    assert held_back(own, store.path) is None, "it does not say on what it was trained"
    (own / "inputs.json").write_text(json.dumps({"store": str(store.path), "scans": []}))
    assert held_back(own, store.path) == "1/5"
    assert held_back(own, tmp_path) is None
    (own / "config.json").write_text(to_json(replace(config, fold=None)))
    assert held_back(own, store.path) == "nothing"
    (own / "inputs.json").write_text("{")
    with pytest.raises(BadInputError, match=r"inputs\.json: not readable"):
        held_back(own, store.path)


def test_only_a_store_is_split_by_a_fold(store: Store, tmp_path: Path) -> None:
    held_out, train = split_by_fold(StoreSource(store), "0/2")
    assert sum(held_out.shapes.values()) + sum(train.shapes.values()) == 6
    with pytest.raises(UsageError, match="--fold needs a store"):
        split_by_fold(open_side(write_foreign(tmp_path, range(2)), silent), "0/2")

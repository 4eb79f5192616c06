"""Generated volumes with classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.data.quantised import quantise
from hagan.data.store import Store
from hagan.errors import UsageError
from hagan.experiments.generated import labelled_samples
from hagan.inference.sampler import Sampler
from inference.made import make_store, save_run


@pytest.fixture(scope="module")
def labelled_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store: Store = make_store(tmp_path_factory.mktemp("generated"), labelled=True)
    return save_run(tmp_path_factory.mktemp("runs") / "labelled", store, num_classes=2)


def test_volumes_have_the_classes_that_were_asked_for(labelled_run: Path, tmp_path: Path) -> None:
    path = labelled_samples(labelled_run, [0, 1, 1], tmp_path, 7, "cpu")
    held = np.load(path)
    assert (held.dtype, held.shape) == (np.int16, (3, 32, 32, 32))
    sampler = Sampler.from_run(labelled_run)
    for number, label in enumerate([0, 1, 1]):
        codes = sampler.latents(number, seed=7)
        volume = np.concatenate(list(sampler.slabs(codes, sampler.labels(label))))
        np.testing.assert_array_equal(held[number], quantise(volume))


def test_the_same_volumes_are_made_once(labelled_run: Path, tmp_path: Path) -> None:
    path = labelled_samples(labelled_run, [0, 1], tmp_path, 7, "cpu")
    when = path.stat().st_mtime_ns
    assert labelled_samples(labelled_run, [0, 1], tmp_path, 7, "cpu") == path
    assert path.stat().st_mtime_ns == when
    others = {
        labelled_samples(labelled_run, labels, tmp_path, seed, "cpu")
        for labels, seed in (([1, 0], 7), ([0, 1], 8))
    }
    assert path not in others
    assert len(list(tmp_path.iterdir())) == 3


def test_classes_that_are_not_there_leave_nothing(labelled_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="label from 0 to 1"):
        labelled_samples(labelled_run, [0, 2], tmp_path, 7, "cpu")
    assert not list(tmp_path.iterdir())

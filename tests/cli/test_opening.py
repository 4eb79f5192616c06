"""Opening: which volumes are the reference, and what a reader is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evaluation.made import write_foreign
from hagan.cli.evaluate import Display, Evaluate
from hagan.cli.opening import Opened, open_sides
from hagan.config.codec import from_json, to_json
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.store import Store
from hagan.errors import UsageError


def opened(flags: Evaluate) -> Opened:
    return open_sides(flags, Display(Console(quiet=True)))


def trained(run: Path, folder: Path, store: Store, fold: str | None) -> Path:
    """The run as if it had been trained on a store."""
    weights = RunDir(folder).weights
    weights.parent.mkdir(parents=True)
    weights.write_bytes(RunDir(run).weights.read_bytes())
    config = from_json(RunConfig, RunDir(run).config.read_text(), where="run")
    RunDir(folder).config.write_text(to_json(replace(config, fold=fold)))
    (folder / "inputs.json").write_text(json.dumps({"store": str(store.path), "scans": []}))
    return folder


def test_a_run_brings_its_fold(run: Path, store: Store, tmp_path: Path) -> None:
    own = trained(run, tmp_path / "own", store, "0/2")
    found = opened(Evaluate(fakes=(own,), real=store.path, count=3))
    assert found.sides.train_is_known
    assert len(found.sides.fakes[0]) == 3
    subjects = {*found.sides.real.subjects}, {*found.sides.train.subjects}
    assert len(subjects[0] | subjects[1]) == 6
    assert not subjects[0] & subjects[1]
    assert any("fold 0/2, which the run held back" in note for note in found.notes)
    assert found.hounsfield == (-1024, 600)


def test_a_run_that_has_seen_the_reference_is_told(run: Path, store: Store, tmp_path: Path) -> None:
    everything = trained(run, tmp_path / "all", store, None)
    found = opened(Evaluate(fakes=(everything,), real=store.path, count=2))
    assert not found.sides.train_is_known
    assert any("all held back nothing of this store: it has seen" in n for n in found.notes)
    other = trained(run, tmp_path / "other", store, "1/2")
    found = opened(Evaluate(fakes=(other,), real=store.path, count=2, fold="0/2"))
    assert any("other held back fold 1/2 of this store: it has seen" in n for n in found.notes)


def test_runs_of_different_folds_are_not_judged_together(
    run: Path, store: Store, tmp_path: Path
) -> None:
    runs = tuple(trained(run, tmp_path / f"r{i}", store, f"{i}/2") for i in range(2))
    with pytest.raises(UsageError, match=r"different folds .* judge them one by one"):
        opened(Evaluate(fakes=runs, real=store.path))


def test_folders_are_split_or_named(tmp_path: Path) -> None:
    real = write_foreign(tmp_path / "real", range(8))
    fake = write_foreign(tmp_path / "fake", range(50, 52))
    found = opened(Evaluate(fakes=(fake,), real=real))
    assert (len(found.sides.real), len(found.sides.train)) == (4, 4)
    assert any("split by subject: 4 are the reference" in note for note in found.notes)
    assert found.hounsfield is None, "no Hounsfield units"
    train = write_foreign(tmp_path / "train", range(20, 23))
    found = opened(Evaluate(fakes=(fake,), real=real, train=train))
    assert (len(found.sides.real), len(found.sides.train)) == (8, 3)
    assert found.sides.train_is_known


def test_sets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    real = write_foreign(tmp_path / "x" / "real", range(4))
    fakes = tuple(write_foreign(tmp_path / n / "fake", range(50, 52)) for n in ("a", "b"))
    named = [fake.name for fake in opened(Evaluate(fakes=fakes, real=real)).sides.fakes]
    assert named == [str(path) for path in fakes]
    (same,) = opened(Evaluate(fakes=(real,), real=real)).sides.fakes
    assert same.name == "real (judged)"

"""A study: training jobs and where their runs lie."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hagan.cli import main
from hagan.cli.train import Train
from hagan.data.store import Store, fold_of
from hagan.experiments.answers import Answers
from hagan.experiments.cohort import phantoms
from hagan.experiments.jobs import Jobs
from hagan.experiments.scale import FOLDS, SCALES
from hagan.experiments.study import Study

Make = Callable[..., Study]


@pytest.fixture
def make_study(tmp_path: Path) -> Make:
    def make(minutes: float | None = 1.0) -> Study:
        scale = SCALES["tiny"]
        return Study(
            out=tmp_path,
            scale=scale,
            cohorts=(phantoms("thorax", tmp_path, (32,), 10, 0),),
            jobs=Jobs(tmp_path / "jobs"),
            answers=Answers(tmp_path / "answers"),
            seed=5,
            minutes=minutes,
        )

    return make


def parsed(command: tuple[str, ...]) -> Train:
    train = main.parse(list(command))
    assert isinstance(train, Train)
    return train


def test_a_training_job_is_a_command_line_of_a_fold(make_study: Make) -> None:
    study = make_study()
    (cohort,) = study.cohorts
    job = study.training("wgan-tiny-32", cohort, 1)
    train = parsed(job.command)
    assert job.needs == ("phantoms-thorax-32", "prepare-thorax-32")
    assert (train.recipe, train.store, train.fold) == ("wgan-tiny-32", cohort.store(32), "1/5")
    assert train.folder == study.run_of("wgan-tiny-32", cohort, 1)
    assert (train.seed, train.device, train.minutes) == (5, "cpu", 1.0)


def test_without_minutes_a_recipe_has_its_own_steps(make_study: Make) -> None:
    study = make_study(None)
    train = parsed(study.training("wgan-tiny-32", study.cohorts[0], 0).command)
    assert (train.minutes, train.steps, train.set) == (None, None, ())


def test_a_variant_has_a_run_of_its_own_and_all_its_settings(make_study: Make) -> None:
    study = make_study()
    (cohort,) = study.cohorts
    settings = ("model.encoder=false", "model.prior_weight=0.0")
    job = study.training("hagan-tiny-32", cohort, 0, variant="bare", settings=settings)
    train = parsed(job.command)
    assert set(settings) < set(train.set)
    assert train.folder == study.run_of("hagan-tiny-32", cohort, 0, variant="bare")
    assert train.folder != study.run_of("hagan-tiny-32", cohort, 0)


def test_folds_are_those_of_the_scale(make_study: Make) -> None:
    study = make_study()
    assert list(replace(study, scale=replace(study.scale, folds=3)).folds) == [0, 1, 2]


@pytest.fixture(scope="module")
def phantom_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 20 phantoms."""
    out = tmp_path_factory.mktemp("split")
    for job in phantoms("thorax", out, (32,), 20, 0).jobs:
        assert main.run(list(job.command)) == 0
    return out / "data" / "thorax-32"


@pytest.mark.slow
@pytest.mark.parametrize("fold", range(5))
@pytest.mark.parametrize("flags", [(), ("--conditional",)], ids=["plain", "conditional"])
def test_training_opens_no_held_out_scan(
    make_study: Make, phantom_store: Path, tmp_path: Path, fold: int, flags: tuple[str, ...]
) -> None:
    """With the arrays of held-out subjects gone, every fold is trained as before."""
    copy = tmp_path / "store"
    shutil.copytree(phantom_store, copy)
    store = Store.open(copy)
    held = [entry for entry in store.entries if fold_of(entry.subject, FOLDS) == fold]
    for entry in held:
        (copy / entry.file).unlink()
    study = make_study(None)
    cohort = replace(study.cohorts[0], stores={32: copy}, jobs=())
    job = study.training(
        "hagan-tiny-32", cohort, fold, flags=flags, settings=("training.steps=12",)
    )
    assert 0 < len(held) < 20
    assert main.run(list(job.command)) == 0

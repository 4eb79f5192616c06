"""Cohorts: phantoms that are made, stores that are given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data.test_store import CONFIG, entry
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError
from hagan.experiments.cohort import given, phantoms


def store(path: Path, side: int, numbers: range = range(1, 4)) -> Path:
    config = replace(CONFIG, volume_shape=(side, side, side))
    entries = [entry(number, subject=f"s{number}") for number in numbers]
    Store.create(path, config).with_entries(entries)
    return path


def test_phantoms_are_made_then_prepared_at_every_side(tmp_path: Path) -> None:
    cohort = phantoms("thorax", tmp_path, (32, 64), count=7, seed=3)
    assert [job.name for job in cohort.jobs] == [
        "phantoms-thorax-32",
        "prepare-thorax-32",
        "phantoms-thorax-64",
        "prepare-thorax-64",
    ]
    made, prepared = cohort.jobs[:2]
    assert made.command[3:5] == ("--count", "7")
    assert prepared.needs == (made.name,)
    assert prepared.command[1] == made.command[2]
    assert prepared.command[2] == str(cohort.store(32))
    assert "gold" in prepared.command
    assert cohort.needs(64) == ("phantoms-thorax-64", "prepare-thorax-64")
    assert cohort.title == "thorax phantoms"


def test_brains_have_their_own_protocol(tmp_path: Path) -> None:
    prepared = phantoms("brain", tmp_path, (32,), count=7, seed=3).jobs[1]
    assert "brain-t1" in prepared.command
    assert "gold" not in prepared.command


def test_given_stores_are_known_by_their_sides(tmp_path: Path) -> None:
    paths = [store(tmp_path / "a", 32), store(tmp_path / "b", 64)]
    cohort = given(paths)
    assert (cohort.store(32), cohort.store(64)) == (paths[0], paths[1])
    assert (cohort.name, cohort.title, cohort.jobs, cohort.needs(32)) == ("a", "a", (), ())
    assert not cohort.is_phantom
    with pytest.raises(UsageError, match="stores of side 32, 64, none of 128"):
        cohort.store(128)


def test_stores_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    first = store(tmp_path / "a", 32)
    with pytest.raises(UsageError, match="the same side"):
        given([first, store(tmp_path / "b", 32)])
    with pytest.raises(UsageError, match="other subjects"):
        given([first, store(tmp_path / "c", 64, range(2, 5))])
    with pytest.raises(BadInputError, match="no store"):
        given([tmp_path / "nothing"])

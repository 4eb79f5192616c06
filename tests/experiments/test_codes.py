"""Latent codes of a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.cli import main
from hagan.cli.encode import Encode
from hagan.errors import BadInputError
from hagan.experiments.answers import Answers
from hagan.experiments.codes import Codes, encoding
from hagan.experiments.cohort import phantoms
from hagan.experiments.jobs import Jobs
from hagan.experiments.scale import SCALES
from hagan.experiments.study import Study


def test_a_cohort_is_encoded_whole_by_a_command_line(tmp_path: Path) -> None:
    cohort = phantoms("thorax", tmp_path, (32,), 10, 0)
    study = Study(
        out=tmp_path,
        scale=SCALES["tiny"],
        cohorts=(cohort,),
        jobs=Jobs(tmp_path / "jobs"),
        answers=Answers(tmp_path / "answers"),
    )
    training = study.training("vae-gan-tiny-32", cohort, 1)
    run = study.run_of("vae-gan-tiny-32", cohort, 1)
    job, path = encoding(study, cohort, training, run)
    asked = main.parse(list(job.command))
    assert isinstance(asked, Encode)
    assert (asked.model, asked.scans, asked.out) == (run, cohort.store(32), path)
    assert asked.fold is None
    assert job.needs == (training.name,)


def test_codes_are_found_by_scan(tmp_path: Path) -> None:
    path = tmp_path / "codes.npz"
    codes = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez(path, codes=codes, names=np.array(["a", "b"]), weights_sha256=np.array("ff"))
    found = Codes.read(path)
    assert found.by_scan["b"].tolist() == [3, 4, 5]
    assert found.weights_sha256 == "ff"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("no")
    with pytest.raises(BadInputError, match="not what hagan encode writes"):
        Codes.read(tmp_path / "a.npz")

"""Jobs that judge a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.test_study import Make
from experiments.test_study import make_study as make_study
from hagan.cli import main
from hagan.cli.evaluate import Evaluate
from hagan.cli.generate import Generate
from hagan.experiments.cohort import phantoms
from hagan.experiments.judging import judgement


def test_a_run_of_the_side_is_judged_as_it_is(make_study: Make) -> None:
    study = make_study()
    (cohort,) = study.cohorts
    training = study.training("wgan-tiny-32", cohort, 1)
    run = study.run_of("wgan-tiny-32", cohort, 1)
    judged = judgement(study, cohort, training, run, 1)
    (job,) = judged.jobs
    assert job.needs == (training.name, "phantoms-thorax-32", "prepare-thorax-32")
    evaluate = main.parse(list(job.command))
    assert isinstance(evaluate, Evaluate)
    assert (evaluate.fakes, evaluate.real, evaluate.fold) == ((run,), cohort.store(32), "1/5")
    assert (evaluate.out, evaluate.count, evaluate.resample) == (judged.out, 32, False)
    assert judged.name == job.name


def test_volumes_of_a_smaller_side_are_made_then_stretched(
    make_study: Make, tmp_path: Path
) -> None:
    study = make_study()
    study = replace(study, scale=replace(study.scale, side=64))
    cohort = phantoms("thorax", tmp_path, (32, 64), 10, 0)
    training = study.training("wgan-tiny-32", cohort, 0)
    run = study.run_of("wgan-tiny-32", cohort, 0)
    made, judged = judgement(study, cohort, training, run, 0).jobs
    generate, evaluate = main.parse(list(made.command)), main.parse(list(judged.command))
    assert isinstance(generate, Generate)
    assert isinstance(evaluate, Evaluate)
    assert made.needs == (training.name,)
    assert made.name in judged.needs
    assert "prepare-thorax-64" in judged.needs
    assert generate.count == 32
    assert (evaluate.fakes, evaluate.real) == ((generate.out,), cohort.store(64))
    assert evaluate.resample

"""Variants of a recipe under equal quotas: measured alone, trained in legs, judged, decided.

Every variant is first timed by itself over a short run of its own schedule. Its quota is the steps
that it takes in the contest's minutes when it is alone, so that nothing depends on what runs beside
it. A run is judged when a quarter, half and all of its quota is done; one that is dead or has
collapsed is not gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan.config.run_dir import RunDir
from hagan.data.files import write_bytes_atomically
from hagan.data.montage import montage
from hagan.data.png import png_bytes
from hagan.evaluation.bench import VOLUMES
from hagan.experiments.cohort import Cohort
from hagan.experiments.contest_tables import contest_tables
from hagan.experiments.decision import floor_of
from hagan.experiments.jobs import Job, Jobs
from hagan.experiments.judging import Judgement, samples
from hagan.experiments.study import ENDLESS, Study
from hagan.experiments.tables import Picture, Result
from hagan.experiments.variants import Variant
from hagan.training.checkpoint import newest_checkpoint

LEGS = (0.25, 0.5, 1.0)
"""Shares of the quota after which a run is judged."""

MEASURED_SHARE = 0.1
"""Of the quota's minutes, how long the run is by which a variant is timed."""

COLLAPSED = 0.2
"""Nearest neighbours of generated volumes, over those of real ones: below it twice, it is one."""

DEAD = 0.02
COPIED = 0.5
"""Share of generated volumes that are copies from which a run is not gone on with."""

PICTURED = 8
"""Volumes a row of the sheet of samples."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is put against each other, and how.

    Attributes:
        variants: The first one is what the others are compared with.
        minutes: Of each run, alone on this machine.
        seeds: Runs of each variant.
        fold: Which subjects are held back, as `hagan train --fold` takes it.
        scans: Scans to train on; None takes all of the fold's.
        extractors: That judge; of each a table.
    """

    variants: tuple[Variant, ...]
    minutes: float
    seeds: int
    fold: str
    scans: int | None
    extractors: tuple[str, ...]


@dataclass(frozen=True)
class Runner:
    """A variant with one seed."""

    variant: Variant
    seed: int
    steps: int

    @property
    def name(self) -> str:
        """In folders and names of jobs."""
        return f"{self.variant.name}/seed-{self.seed}"


def contest(study: Study, given: Contest, facts: Mapping[str, Any]) -> Result:
    """Time, train, judge and decide.

    Args:
        study: Where and how large; its first cohort is used.
        given: What is put against each other.
        facts: Of the machine and the settings.

    Raises:
        UsageError: A variant has no recipe at the study's scale.
        BadInputError: A run that was timed left no checkpoint.
        InterruptedRunError: A signal; the same call goes on.
    """
    cohort = study.cohorts[0]
    quotas = _quotas(study, given, cohort)
    runners = [
        Runner(variant, study.seed + seed, quotas[variant.name])
        for seed in range(given.seeds)
        for variant in given.variants
        if variant.name in quotas
    ]
    rows: list[dict[str, Any]] = []
    stopped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for leg in LEGS:
        going = [r for r in runners if r.name not in stopped and r.name not in failed]
        training = {r.name: _training(study, given, cohort, r, leg) for r in going}
        ended = study.do(list(training.values()))
        failed |= {
            name: ended[job.name].why
            for name, job in training.items()
            if ended[job.name].status != "done"
        }
        judged = [
            (r, weights, _judgement(study, given, cohort, r, leg, weights))
            for r in going
            if r.name not in failed
            for weights in _weights(study, r, leg)
        ]
        ended = study.do([job for _, _, one in judged for job in one.jobs])
        for runner, weights, one in judged:
            if ended[one.name].status == "done":
                rows += _rows(runner, leg, weights, one)
            else:
                failed[runner.name] = ended[one.name].why
        for runner in going:
            reason = why_to_stop([row for row in rows if row["run"] == runner.name])
            if reason and leg < LEGS[-1]:
                stopped[runner.name] = f"{reason}, after {leg:.0%}"
                study.tell(f"{runner.name}: stopped: {stopped[runner.name]}")
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_bytes_atomically(study.out / "rows.jsonl", text.encode())
    tables, reading = contest_tables(given.variants, rows, stopped, failed)
    return Result(
        what="recipe",
        title=f"Variants of a recipe on {cohort.title}, {given.minutes:g} minutes each",
        rows=rows,
        tables=tables,
        pictures=_sheet(study, runners, rows),
        facts=facts,
        reading=reading,
        is_complete=not failed,
    )


def why_to_stop(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why a run is not worth its further minutes; empty where it is.

    Args:
        rows: What was found of it so far, in the order of its legs.
    """
    near = [r["scores"]["self_neighbour"] for r in rows if "self_neighbour" in r["scores"]]
    copied = [r["scores"]["memorised"] for r in rows if "memorised" in r["scores"]]
    if near and near[-1] < DEAD:
        return "every generated volume is the same"
    by_leg: dict[float, float] = {}
    for row in rows:
        if "self_neighbour" in row["scores"]:
            leg, value = row["share"], row["scores"]["self_neighbour"]
            by_leg[leg] = min(by_leg.get(leg, value), value)
    if sum(value < COLLAPSED for value in by_leg.values()) >= 2:
        return "generated volumes are nearly alike"
    if copied and copied[-1] > COPIED:
        return "generated volumes are copies"
    return ""


def _quotas(study: Study, given: Contest, cohort: Cohort) -> dict[str, int]:
    """Steps of each variant in the contest's minutes, from a short run alone."""
    alone = Jobs(study.jobs.folder, workers=1, threads=study.jobs.threads, tell=study.tell)
    minutes = MEASURED_SHARE * given.minutes
    jobs = {}
    for variant in given.variants:
        name = f"time/{variant.name}"
        length = ("--minutes", f"{minutes:g}", "--steps", str(ENDLESS))
        run = study.out / "timed" / variant.name
        jobs[variant.name] = _train(study, given, cohort, variant, name, run, study.seed, length)
    made = {job.name: job for job in cohort.jobs}
    ended = alone.run([*made.values(), *jobs.values()])
    quotas = {}
    for name, job in jobs.items():
        if ended[job.name].status != "done":
            study.tell(f"{name}: left out: {ended[job.name].why}")
            continue
        found = newest_checkpoint(RunDir(study.out / "timed" / name).state)
        assert found is not None, "a run that ended has a checkpoint"
        rate = found.step / float(found.facts["seconds"])
        quotas[name] = max(len(LEGS), round(60 * given.minutes * rate))
        study.tell(f"{name}: {rate:.2f} steps a second, {quotas[name]} steps")
    return quotas


def _train(
    study: Study,
    given: Contest,
    cohort: Cohort,
    variant: Variant,
    name: str,
    run: Path,
    seed: int,
    length: Sequence[str],
) -> Job:
    side = study.scale.side
    recipe = study.scale.recipe(variant.family, side)
    settings = [*variant.settings, f"training.preview_every={ENDLESS}"]
    if given.scans is not None:
        settings.append(f"training.scans={given.scans}")
    return Job(
        name=name,
        command=(
            *("train", recipe, "--store", str(cohort.store(side)), "--run", str(run)),
            *("--fold", given.fold, "--seed", str(seed), "--device", study.device),
            *("--no-tensorboard", *length, "--set", *settings),
        ),
        needs=cohort.needs(side),
    )


def _run_of(study: Study, runner: Runner) -> Path:
    return study.out / "runs" / runner.name


def _training(study: Study, given: Contest, cohort: Cohort, runner: Runner, leg: float) -> Job:
    """The job that goes on with a run up to a leg's end."""
    name, run = f"train/{runner.name}/{leg:g}", _run_of(study, runner)
    length = ("--steps", str(runner.steps), "--until", f"{leg:g}")
    return _train(study, given, cohort, runner.variant, name, run, runner.seed, length)


def _weights(study: Study, runner: Runner, leg: float) -> tuple[str, ...]:
    """Which weights are judged: at the end the second average too, where there is one."""
    has_second = RunDir(_run_of(study, runner)).second_weights.exists()
    return ("average", "second") if leg == LEGS[-1] and has_second else ("average",)


def _judgement(
    study: Study, given: Contest, cohort: Cohort, runner: Runner, leg: float, weights: str
) -> Judgement:
    name = f"{runner.name}/{leg:g}-{weights}"
    out = study.out / "evaluations" / name
    run = _run_of(study, runner)
    fake = RunDir(run).second_weights if weights == "second" else run
    job = Job(
        name=f"evaluate/{name}",
        command=(
            *("evaluate", str(fake), "--real", str(cohort.store(study.scale.side))),
            *("--fold", given.fold, "--out", str(out), "--count", str(study.scale.samples)),
            *("--resamples", "0", "--no-anchors", "--cache", str(study.out / "cache")),
            *("--extractors", *given.extractors, "--device", study.device),
            *("--seed", str(study.seed)),
        ),
    )
    return Judgement((job,), out, fake)


def _rows(runner: Runner, leg: float, weights: str, judged: Judgement) -> list[dict[str, Any]]:
    """What was found, a row an extractor; what extractors do not see stands in each."""
    values = judged.values()
    plain = {metric: value for (heading, metric), value in values.items() if heading == VOLUMES}
    rows = []
    for extractor in dict.fromkeys(heading for heading, _ in values if heading != VOLUMES):
        features = judged.features(extractor)
        mean, deviation = floor_of(features["real"], features["train"])
        own = {metric: v for (heading, metric), v in values.items() if heading == extractor}
        rows.append(
            {
                "run": runner.name,
                "variant": runner.variant.name,
                "seed": runner.seed,
                "steps": runner.steps,
                "share": leg,
                "weights": weights,
                "extractor": extractor,
                "scores": {**plain, **own},
                "floor": mean,
                "floor_sd": deviation,
                "distance": (own["fid"] - mean) / deviation,
            }
        )
    return rows


def _sheet(
    study: Study, runners: Sequence[Runner], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Picture]:
    """The first volumes of the first run of each variant, from the same seed."""
    shown = []
    for runner in runners:
        judged = any(row["run"] == runner.name for row in rows)
        if runner.seed == study.seed and judged:
            made = samples(study, _run_of(study, runner), PICTURED)
            shown.append((runner.variant.name, made))
    if not shown:
        return {}
    caption = "Generated volumes of each variant, first seed, none chosen"
    return {"samples": Picture(png_bytes(montage(shown)), caption)}

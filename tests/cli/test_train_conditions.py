"""Training and generating with conditions, from brain phantoms to the manifest, in-process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hagan.cli import main
from hagan.config.data import PrepareConfig
from hagan.config.run_dir import RunDir
from hagan.data.formats import read_scan
from hagan.data.phantom.cohort import TRUTH, write_cohort
from hagan.data.prepare import prepare
from hagan.data.store import Store
from hagan.inference.export import Row, read_manifest, regenerate
from hagan.inference.reconstruct import Prepared, conditions_of, open_scans, reconstruct
from hagan.inference.sampler import Sampler
from hagan.models.weights import load_model

COUNT = 5
QUICK = ("model.latent_dim=8", "model.width=4", "training.batch_size=2", "training.log_every=1")


@pytest.fixture(scope="module")
def brains(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Five brain phantoms with their ages, ventricles and sexes."""
    folder = tmp_path_factory.mktemp("brains")
    write_cohort("brain", folder / "scans", count=COUNT, side=32)
    config = PrepareConfig(protocol="brain-t1", volume_shape=(32, 32, 32), label_column="male")
    table = folder / "scans" / TRUTH
    report = prepare(folder / "scans", folder / "store", config, table=table, workers=1)
    assert len(report.done) == COUNT
    return report.store


def train(
    store: Path, run: Path, *settings: str, steps: int = 3, flags: tuple[str, ...] = ()
) -> int:
    return main.run(
        [
            *("train", "hagan-tiny-32", "--store", str(store), "--run", str(run)),
            *("--steps", str(steps), "--no-tensorboard", "--device", "cpu", *flags),
            *("--set", *QUICK, "--set", "model.conditioning=projection", *settings),
        ]
    )


@pytest.fixture(scope="module")
def aged(brains: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps on ages."""
    run = tmp_path_factory.mktemp("aged") / "run"
    assert train(brains.path, run, "model.conditions=[age]") == 0
    return run


@pytest.fixture(scope="module")
def all_at_once(brains: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on ages, ventricles and classes."""
    run = tmp_path_factory.mktemp("all") / "run"
    names = "model.conditions=[age, ventricles_ml]"
    assert train(brains.path, run, names, flags=("--conditional",)) == 0
    return run


def rows(folder: Path) -> tuple[Row, ...]:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest.rows


def test_the_weights_know_scale_and_range(brains: Store, aged: Path) -> None:
    ages = np.array([float(entry.covariates["age"]) for entry in brains.entries])
    known = Sampler.from_run(aged).known_conditions
    assert known is not None
    assert known.names == ("age",)
    assert known.means == pytest.approx((ages.mean(),))
    assert known.sds == pytest.approx((ages.std(),))
    assert (known.lows, known.highs) == ((ages.min(),), (ages.max(),))


def test_steps_move_the_weights_that_read_the_age(brains: Store, aged: Path) -> None:
    """The inputs of G behind the latent code."""
    torch.manual_seed(0)
    before = load_model(aged).model.generator.common.fc.weight[:, 8:]
    assert before.shape[1] == 1
    assert train(brains.path, aged.parent / "longer", "model.conditions=[age]", steps=6) == 0
    after = load_model(aged.parent / "longer").model.generator.common.fc.weight[:, 8:]
    assert float((after - before).abs().min()) > 0


def test_what_was_asked_for_is_generated_recorded_and_made_again(
    aged: Path, tmp_path: Path
) -> None:
    made = {}
    for age in ("60", "30"):
        flags = ("--count", "2", "--condition", f"age={age}")
        assert main.run(["generate", str(aged), str(tmp_path / age), *flags]) == 0
        made[age] = [read_scan(tmp_path / age / row.file).voxels for row in rows(tmp_path / age)]
        assert [row.conditions for row in rows(tmp_path / age)] == [{"age": float(age)}] * 2
        side_car = json.loads((tmp_path / age / "0000.json").read_text())
        assert side_car["conditions"] == {"age": float(age)}
    assert not np.array_equal(made["60"][0], made["30"][0])
    for row, voxels in zip(rows(tmp_path / "60"), made["60"], strict=True):
        again = regenerate(Sampler.from_run(aged, stream="always"), row)
        np.testing.assert_array_equal(again.voxels, voxels)
    with pytest.raises(Exception, match="came out different"):
        regenerate(Sampler.from_run(aged), replace(rows(tmp_path / "60")[0], conditions=None))


def test_by_default_each_volume_has_a_training_scans_values(
    brains: Store, all_at_once: Path, tmp_path: Path
) -> None:
    for stream in ("always", "never"):
        out = tmp_path / stream
        flags = ("--count", "6", "--seed", "3", "--stream", stream)
        assert main.run(["generate", str(all_at_once), str(out), *flags]) == 0
    assert rows(tmp_path / "always") == rows(tmp_path / "never")
    pairs = {
        (entry.label, entry.covariates["age"], entry.covariates["ventricles_ml"])
        for entry in brains.entries
    }
    drawn = []
    for row in rows(tmp_path / "never"):
        assert row.conditions is not None
        drawn.append((row.label, row.conditions["age"], row.conditions["ventricles_ml"]))
        assert np.array_equal(
            regenerate(Sampler.from_run(all_at_once), row).voxels,
            read_scan(tmp_path / "never" / row.file).voxels,
        )
    assert set(drawn) <= pairs
    assert [label for label, *_ in drawn] == [0, 1] * 3
    # Going on with the series finds it as it was begun.
    out = str(tmp_path / "never")
    assert main.run(["generate", str(all_at_once), out, "--count", "7", "--seed", "3"]) == 0
    assert len(rows(tmp_path / "never")) == 7


def test_a_class_and_numbers_are_asked_for_together(all_at_once: Path, tmp_path: Path) -> None:
    flags = ["--count", "1", "--label", "1", "--condition", "ventricles_ml=12"]
    out = str(tmp_path / "out")
    assert main.run(["generate", str(all_at_once), out, *flags, "--condition", "age=50"]) == 0
    (row,) = rows(tmp_path / "out")
    assert (row.label, row.conditions) == (1, {"age": 50.0, "ventricles_ml": 12.0})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("age=300",), "age=300 is too far from what the model has seen"),
        (("ages=30",), "the model has no condition ages; it takes age ("),
        (("age=old",), "--condition age=old must be NAME=NUMBER"),
        (("age",), "--condition age must be NAME=NUMBER"),
        (("age=30", "age=40"), "--condition age is given twice"),
    ],
)
def test_what_cannot_be_asked_for_is_told_before_a_folder_is_made(
    aged: Path,
    asked: tuple[str, ...],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = [flag for text in asked for flag in ("--condition", text)]
    assert main.run(["generate", str(aged), str(tmp_path / "out"), *flags]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"hagan: {told}")
    assert line.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_model_without_conditions_takes_none(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["generate", str(run), str(tmp_path / "out"), "--condition", "age=30"]
    assert main.run(asked) == 2
    assert "the model takes no conditions, so not age either" in capsys.readouterr().err
    assert Sampler.from_run(run).conditions(0, seed=0) is None


def test_scans_without_a_value_are_counted_before_a_step(
    brains: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(brains.path, tmp_path / "run", "model.conditions=[age,iq]") == 3
    line = capsys.readouterr().err
    assert line.startswith(f"hagan: 5 of 5 training scans of {brains.path} have no number for iq")
    assert line.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_and_refuses_other_values(
    brains: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, names = RunDir(tmp_path / "run"), "model.conditions=[age]"
    for flags in (("--until", "0.5"), ()):
        assert train(brains.path, run.path, names, steps=4, flags=flags) == 0
    assert train(brains.path, tmp_path / "whole", names, steps=4) == 0
    assert run.weights.read_bytes() == RunDir(tmp_path / "whole").weights.read_bytes()
    inputs = json.loads((run.path / "inputs.json").read_text())
    inputs["scans"][0] = inputs["scans"][0].rpartition(":")[0] + ":99.0"
    (run.path / "inputs.json").write_text(json.dumps(inputs))
    assert train(brains.path, run.path, names, steps=6) == 2
    assert "was begun on other scans" in capsys.readouterr().err


def test_a_scan_is_rebuilt_with_its_own_values(brains: Store, all_at_once: Path) -> None:
    sampler = Sampler.from_run(all_at_once)
    scans = open_scans(brains.path, sampler)
    scan = scans.prepared(1)
    assert isinstance(scan, Prepared)
    own = {name: brains.entries[1].covariates[name] for name in ("age", "ventricles_ml")}
    assert conditions_of(sampler, scan) == own
    rebuilt, _ = reconstruct(sampler, scan)
    older = replace(scan, covariates={**own, "age": 75.0})
    assert not np.array_equal(reconstruct(sampler, older)[0].voxels, rebuilt.voxels)
    unknown: Any = replace(scan, covariates={"age": 40.0})
    with pytest.raises(Exception, match="has no number for ventricles_ml, on which the model"):
        reconstruct(sampler, unknown)


def test_weights_tell_of_their_conditions_and_not_of_who_had_them(
    aged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["info", str(aged), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["data"]["conditions"]
    assert told["names"] == ["age"]
    assert {"rows", "labels"}.isdisjoint(told)

"""`hagan info`: recipes, runs, stores and scans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hagan.cli import main
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.data.files import sha256_of
from hagan.data.store import Store, fold_of
from hagan.models.build import build_model
from hagan.training.cost import step_cost
from inference.made import save_ct


def facts(capsys: pytest.CaptureFixture[str], what: str | Path) -> dict[str, Any]:
    assert main.run(["info", str(what), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_a_recipe_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, "hagan-tiny-32")
    model = build_model(recipe("hagan-tiny-32").model)
    count = sum(p.numel() for p in model.parameters())
    assert found["parameters"] == count
    assert sum(found["parameters by player"].values()) == count
    assert found["volume shape"] == [32, 32, 32]
    assert found["model"]["width"] == 8
    assert found["about"].startswith("`hagan` narrow enough")


@pytest.mark.slow
def test_memory_of_a_wide_recipe_is_told_without_taking_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = facts(capsys, "hagan-256")
    mib = found["memory of weights, gradients and Adam (MiB)"]
    assert mib == round(found["parameters"] * 16 / 2**20)
    assert mib > 500


@pytest.mark.slow
def test_a_training_step_is_predicted_as_the_plan_has_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = recipe("hagan-tiny-32")
    found, cost = facts(capsys, "hagan-tiny-32"), step_cost(config)
    batch = config.training.batch_size
    assert found[f"peak of a training step of batch {batch} (MiB)"] == round(cost.peak / 2**20)
    assert set(found["peak by player (MiB)"]) == set(found["parameters by player"])
    assert found["GFLOP of a training step"] == round(cost.flops / 1e9, 1)


def test_a_run_its_folder_and_its_file_are_the_same(
    run: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    found = facts(capsys, run)
    weights = run / "weights" / "model.safetensors"
    assert found == facts(capsys, weights)
    assert found["sha256"] == sha256_of(weights)
    assert (found["recipe"], found["step"], found["classes"]) == ("narrow", 0, 0)
    assert set(found["parameters"]) == {"generator", "encoder"}
    assert found["data"] == json.loads(store.geometry.to_json())


def test_a_store_is_summed_up(labelled_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, labelled_store.path)
    assert (found["scans"], found["subjects"]) == (6, 6)
    folds = [fold_of(entry.subject) for entry in labelled_store.entries]
    assert found["scans by fold of 5"] == [folds.count(index) for index in range(5)]
    assert found["geometry"]["class_names"] == ["ill", "well"]
    assert found["covariates"] == ["gold"]


def test_a_scan_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, save_ct(tmp_path / "a.nii.gz", 0))
    assert found["shape (d, h, w)"] == [24, 30, 28]
    assert found["spacing (mm)"] == [10, 9, 9]
    assert -1100 < found["lowest"] < -950
    assert found["highest"] > 400


def test_lines_say_the_same(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["info", str(run)]) == 0
    printed = capsys.readouterr().out
    assert "recipe: narrow\n" in printed
    assert "data:\n" in printed
    assert "  protocol: thorax-ct\n" in printed
    assert "warnings" not in printed


def test_what_went_wrong_in_training_is_told(
    run: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    warnings = RunDir(run).warnings
    request.addfinalizer(lambda: warnings.unlink(missing_ok=True))
    warnings.write_text('{"step": 40, "name": "dead", "text": "generated volumes are empty"}\n')
    assert facts(capsys, run)["warnings"] == {"step 40": "generated volumes are empty"}


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (None, 2, "no recipe is called"),
        ("text", 3, "E103"),
        ("begun", 3, "has saved nothing yet"),
        ("weights", 3, "not a readable safetensors file"),
        ("store", 3, "is not the index of a store"),
    ],
)
def test_what_is_nothing_of_ours_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: str | None, code: int, said: str
) -> None:
    path = tmp_path / "thing"
    if make == "text":
        path.write_text("x")
    if make == "begun":
        path.mkdir()
        (path / "config.json").write_text("{}")
    if make == "store":
        path.mkdir()
        (path / "index.json").write_text("{}")
    if make == "weights":
        path = tmp_path / "a.safetensors"
        path.write_text("x")
    assert main.run(["info", str(path)]) == code
    assert said in capsys.readouterr().err

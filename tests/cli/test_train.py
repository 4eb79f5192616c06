"""`hagan train` in-process: what it refuses before a step, what it leaves, and going on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tyro

from data.made import save_nifti, thorax
from hagan.cli.train import Train, pick_device, with_settings
from hagan.config.augment import AugmentConfig
from hagan.config.codec import from_json
from hagan.config.data import PrepareConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.prepare import prepare
from hagan.data.store import fold_of
from hagan.errors import BadInputError, DiskError, HaganError, UsageError
from hagan.models.weights import load_model
from hagan.training.log import read_metrics

QUICK = ("model.latent_dim=8", "model.width=4", "training.batch_size=2", "training.log_every=1")


def make_store(folder: Path, seeds: range, classes: int = 2) -> Path:
    """A store of thoraces at side 32 with a label each."""
    scans = folder / "scans"
    rows = ["subject,gold"]
    for seed in seeds:
        save_nifti(scans / f"s{seed}.nii.gz", thorax((24, 28, 26), seed).transpose(2, 1, 0))
        rows.append(f"s{seed},{seed % classes}")
    table = folder / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    config = PrepareConfig(protocol="thorax-ct", volume_shape=(32, 32, 32), label_column="gold")
    report = prepare(scans, folder / "store", config, table=table, workers=1)
    assert len(report.done) == len(seeds)
    return folder / "store"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("cohort"), range(6))


@pytest.fixture
def store(made_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_once, tmp_path / "store"))


def command(*arguments: str | Path) -> Train:
    return tyro.cli(Train, args=[str(argument) for argument in arguments])


def quick(store: Path, run: Path, *more: str | Path, steps: int = 2, name: str = "") -> Train:
    settings = ("--no-tensorboard", "--device", "cpu", "--steps", steps, "--set", *QUICK)
    return command(
        name or "hagan-tiny-32", "--store", store, "--run", run, *more, *map(str, settings)
    )


def test_it_trains_and_says_what_was_written_and_what_comes_next(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDir(tmp_path / "run")
    assert quick(store, run.path, "--seed", "5", "--fold", "0/3").run() == 0
    printed = capsys.readouterr().out
    assert "hagan-tiny-32: 32 x 32 x 32" in printed
    assert str(run.weights) in printed
    assert f"hagan generate {run.path} OUT --count 16" in printed
    config = from_json(RunConfig, run.config.read_text(), where="config.json")
    assert config.training.seed == 5
    assert (config.model.width, config.model.latent_dim) == (4, 8)
    assert config.fold == "0/3"
    loaded = load_model(run.path)
    assert loaded.step == 2
    assert loaded.config == config
    assert loaded.geometry is not None
    assert loaded.geometry["modality"] == "ct"
    assert [line["step"] for line in read_metrics(run.metrics)] == [1, 2]


def test_held_back_subjects_are_not_trained_on(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = sum(fold_of(f"s{seed}", 3) == 0 for seed in range(6))
    assert held > 0
    quick(store, tmp_path / "run", "--fold", "0/3", steps=1).run()
    assert f"{6 - held} scans" in capsys.readouterr().out


def test_the_same_command_goes_on_and_ends_with_the_same_weights(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick(store, tmp_path / "whole", steps=3).run()
    # Its schedules follow the share of all steps, so that it is told of all from the start.
    quick(store, tmp_path / "halves", "--until", "0.6", steps=3).run()
    capsys.readouterr()
    quick(store, tmp_path / "halves", steps=3).run()
    assert "going on from step 2" in capsys.readouterr().out
    halves, whole = (RunDir(tmp_path / name).weights for name in ("halves", "whole"))
    assert halves.read_bytes() == whole.read_bytes()


def test_a_runs_config_goes_on_without_naming_store_and_folder(store: Path, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    quick(store, run.path, steps=1).run()
    again = command(run.config, "--steps", "2", "--no-tensorboard", "--device", "cpu")
    assert again.run_dir() == run
    assert again.run() == 0
    assert load_model(run.path).step == 2


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--seed", "9"), "training.seed was 0, is 9"),
        (("--batch-size", "3"), "training.batch_size"),
        (("--fold", "0/3"), "fold was None, is 0/3"),
        (("--conditional",), "model.num_classes was 0, is 2"),
    ],
)
def test_going_on_with_other_settings_is_refused(
    store: Path, tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    run = RunDir(tmp_path / "run")
    begun = quick(store, run.path, steps=1)
    begun.run()
    before = run.config.read_bytes()
    asked = quick(store, run.path, *more, steps=2)
    if "--batch-size" in more:
        asked = replace(asked, set=tuple(s for s in QUICK if "batch_size" not in s))
    with pytest.raises(UsageError, match="begun with other settings") as caught:
        asked.run()
    assert says in str(caught.value)
    assert f"hagan train {run.config}" in str(caught.value)
    assert run.config.read_bytes() == before


def test_how_often_it_saves_and_reports_may_change(store: Path, tmp_path: Path) -> None:
    quick(store, tmp_path / "run", steps=1).run()
    asked = quick(store, tmp_path / "run", steps=2)
    changes = ("training.save_every=1", "training.keep=5", "training.preview_every=9")
    assert replace(asked, set=(*asked.set, *changes)).run() == 0


def test_going_on_with_other_scans_is_refused(store: Path, tmp_path: Path) -> None:
    quick(store, tmp_path / "run", steps=1).run()
    other = make_store(tmp_path / "other", range(3, 5))
    with pytest.raises(UsageError, match="begun on other scans"):
        quick(other, tmp_path / "run", steps=2).run()


def test_a_damaged_record_of_the_scans_is_named(store: Path, tmp_path: Path) -> None:
    quick(store, tmp_path / "run", steps=1).run()
    inputs = tmp_path / "run" / "inputs.json"
    for text in ("{", "[]", "{}"):
        inputs.write_text(text)
        with pytest.raises(BadInputError, match=r"inputs\.json: not readable"):
            command(tmp_path / "run" / "config.json", "--device", "cpu").run()


def test_a_store_of_another_side_is_refused(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds volumes of \(32, 32, 32\), hagan-64 makes"):
        quick(store, tmp_path / "run", name="hagan-64").run()
    assert not (tmp_path / "run").exists()


def test_conditional_needs_labels_and_takes_as_many_classes_as_there_are(
    store: Path, tmp_path: Path
) -> None:
    assert quick(store, tmp_path / "run", "--conditional", steps=1).run() == 0
    assert load_model(tmp_path / "run").model.num_classes == 2
    index = store / "index.json"
    content = json.loads(index.read_text())
    content["class_names"] = []
    for entry in content["entries"]:
        entry["label"] = None
    index.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="no class labels"):
        quick(store, tmp_path / "other", "--conditional").run()


def test_a_model_without_classes_says_so_when_they_are_asked_for(
    store: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="wgan-tiny-32 has no class-conditional form"):
        quick(store, tmp_path / "run", "--conditional", name="wgan-tiny-32").run()
    assert not (tmp_path / "run").exists()


def edit_labels(store: Path, labels: list[int | None], names: list[str]) -> None:
    index = store / "index.json"
    content = json.loads(index.read_text())
    content["class_names"] = names
    for entry, label in zip(content["entries"], labels, strict=True):
        entry["label"] = label
    index.write_text(json.dumps(content))


def test_conditional_trains_on_the_labelled_scans_alone(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_labels(store, [0, 1, None, 1, None, 0], ["a", "b"])
    assert quick(store, tmp_path / "run", "--conditional", steps=1).run() == 0
    assert "4 scans" in capsys.readouterr().out


def test_a_conditional_run_does_not_go_on_with_other_labels(store: Path, tmp_path: Path) -> None:
    quick(store, tmp_path / "run", "--conditional", steps=1).run()
    edit_labels(store, [1, 0, 1, 0, 1, 0], ["a", "b"])
    with pytest.raises(UsageError, match="begun on other scans"):
        quick(store, tmp_path / "run", "--conditional").run()
    edit_labels(store, [0, 1, 2, 0, 1, 2], ["a", "b", "c"])
    with pytest.raises(UsageError, match="has 3 classes, hagan-tiny-32 was set up for 2"):
        command(tmp_path / "run" / "config.json", "--device", "cpu").run()


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        (("hagan-tiny-32", "--store", "S"), UsageError, "--run"),
        (("hagan-tiny-32", "--run", "R"), UsageError, "--store"),
        (("hagan-tiny-32", "--store", "none", "--run", "R"), BadInputError, "is no store"),
        (("hagan-tny-32", "--store", "S", "--run", "R"), UsageError, "hagan-tiny-32"),
        (("none.json", "--store", "S", "--run", "R"), BadInputError, "no such file"),
        (("hagan-tiny-32", "--store", "S", "--run", "R", "--fold", "5/5"), UsageError, "fold 5/5"),
        (("hagan-tiny-32", "--store", "S", "--run", "R", "--fold", "a"), UsageError, "like 0/5"),
        (("hagan-tiny-32", "--store", "S", "--run", "R", "--steps", "0"), UsageError, "steps"),
        (("hagan-tiny-32", "--store", "S", "--run", "R", "--seed", "-1"), UsageError, "seed"),
        (("hagan-tiny-32", "--store", "S", "--run", "F/R"), DiskError, "F"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    arguments: tuple[str, ...],
    kind: type[HaganError],
    says: str,
    store: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "F").write_text("a file")
    places = {"S": store, "R": tmp_path / "R", "F/R": tmp_path / "F" / "R", "none": tmp_path / "n"}
    with pytest.raises(kind, match=says) as caught:
        command(*(places.get(word, word) for word in arguments)).run()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "R").exists()


# Settings.


def test_settings_are_put_in_where_they_belong() -> None:
    config = with_settings(
        recipe("hagan-tiny-32"),
        (
            "model.adam_generator.learning_rate=3e-5",
            "model.high_norm=group",
            "model.volume_shape=[40, 48, 56]",
            "model.num_slabs=5",
            "training.average_half_life=null",
            "training.mirror=true",
        ),
    )
    assert config.model.adam_generator.learning_rate == 3e-5
    assert config.model.high_norm == "group"
    assert config.model.volume_shape == (40, 48, 56)
    assert config.training.average_half_life is None
    assert config.training.mirror is True
    assert config.model.adam_encoder == recipe("hagan-tiny-32").model.adam_encoder


def test_parts_may_be_given_by_some_of_their_settings() -> None:
    """Of a part that is there the others stay; one that is not gets its defaults."""
    config = with_settings(
        recipe("hagan-tiny-32"),
        ('model.warm_start={"share": 0.2}', 'model.augment={"probability": 0.5}'),
    )
    assert config.model.warm_start == replace(recipe("hagan-32").model.warm_start, share=0.2)
    assert config.model.augment == AugmentConfig(probability=0.5)
    without = with_settings(recipe("hagan-tiny-32"), ('model={"width": 16}',))
    assert without == recipe("hagan-tiny-32").with_model(width=16)
    with pytest.raises(UsageError, match=r"augment: unknown \['often'\]"):
        with_settings(recipe("hagan-tiny-32"), ('model.augment={"often": 1}',))


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("model.wdith=8", "no such setting"),
        ("width=8", "no such setting"),
        ("model.width", "no such setting"),
        ("model.width.more=8", "no such setting"),
        ("=3", "no such setting"),
        ("", "no such setting"),
        ("model.width=eight", "model.width: expected int, found 'eight'"),
        ("model.width=6", "multiple of 4"),
        ("model.high_norm=layer", "one of"),
        ("model=3", "expected HAGANConfig"),
    ],
)
def test_settings_that_do_not_exist_or_do_not_fit_are_refused(assignment: str, says: str) -> None:
    with pytest.raises(UsageError, match="--set") as caught:
        with_settings(recipe("hagan-tiny-32"), (assignment,))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# Devices.


def test_auto_finds_a_device_and_cpu_is_one() -> None:
    assert pick_device("auto") in ("cpu", "cuda")
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["banana", "cuda:99", "meta", ""])
def test_a_device_that_cannot_train_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--device") as caught:
        pick_device(name)
    assert "\n" not in str(caught.value)


def test_the_store_is_what_the_batches_hold(store: Path) -> None:
    """Guards the fixture: the volumes differ, so that going on could go wrong."""
    arrays: list[Any] = [np.load(path) for path in sorted(store.glob("*.npy"))]
    assert len(arrays) == 6
    assert all(not np.array_equal(arrays[0], other) for other in arrays[1:])

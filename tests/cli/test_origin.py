"""`hagan train --start-from`, end to end in-process: the first weights, the record, going on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import tyro
from torch import Tensor

from hagan.cli.main import run as run_command
from hagan.cli.train import Train
from hagan.config.run_dir import RunDir
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError
from hagan.inference.sampler import Sampler
from hagan.models.weights import load_model, save_weights
from hagan.training.checkpoint import newest_checkpoint, under

QUICK = ("model.latent_dim=8", "model.width=4", "training.batch_size=2", "training.log_every=1")


def words(store: Store, run: Path, *more: str | Path, steps: int = 2) -> list[str]:
    given = [*("hagan-tiny-32", "--store", store.path, "--run", run), *more]
    given += ["--no-tensorboard", "--device", "cpu", "--steps", steps]
    return [*map(str, given), "--set", *QUICK]


def train(store: Store, run: Path, *more: str | Path, steps: int = 2) -> RunDir:
    assert tyro.cli(Train, args=words(store, run, *more, steps=steps)).run() == 0
    return RunDir(run)


def origin(run: RunDir) -> Any:
    return json.loads((run.path / "inputs.json").read_text()).get("start_from")


def weights(run: Path) -> dict[str, Tensor]:
    return load_model(run).model.generator.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def source(store: Store, tmp_path: Path) -> RunDir:
    return train(store, tmp_path / "source", steps=3)


@pytest.mark.parametrize("named_by", ["run", "file"])
def test_a_new_run_begins_with_the_volumes_of_the_other(
    store: Store, tmp_path: Path, source: RunDir, named_by: str
) -> None:
    """Of its averaged weights, as `hagan generate` takes them; D is drawn anew."""
    named = source.path if named_by == "run" else source.weights
    run = train(store, tmp_path / "run", "--start-from", named, "--seed", "1", steps=1)
    # The checkpoint of before the first step, which is kept beside the last.
    begun = RunDir(tmp_path / "begun")
    begun.state.mkdir(parents=True)
    for path in run.state.glob("step-00000000*"):
        shutil.copy(path, begun.state)
    at_start = newest_checkpoint(begun.state)
    assert at_start is not None
    assert at_start.step == 0
    theirs = load_model(source.path)
    for name, tensor in theirs.model.generator.state_dict().items():
        assert torch.equal(at_start.tensors[f"model/generator.{name}"], tensor), name
        assert torch.equal(at_start.tensors[f"average/generator.{name}"], tensor), name
    begun.weights.parent.mkdir()
    averaged = under("average", at_start.tensors)
    config = load_model(run.path).config
    save_weights(averaged, begun.weights, config=config, step=0, geometry=theirs.geometry)
    one, other = (Sampler.from_run(path).sample(0, seed=4) for path in (source.path, begun.path))
    assert (one.voxels == other.voxels).all()
    of_source = newest_checkpoint(source.state)
    assert of_source is not None
    d = [name for name in at_start.tensors if name.startswith("model/discriminator")]
    assert not all(torch.equal(at_start.tensors[name], of_source.tensors[name]) for name in d)
    assert origin(run) == {
        "weights": str(source.weights),
        "sha256": theirs.sha256,
        "recipe": "hagan-tiny-32",
        "step": 3,
    }
    assert f"begun with weights of {source.weights}" in (run.path / "README.txt").read_text()


def test_it_goes_on_without_the_flag_and_as_if_never_stopped(
    store: Store, tmp_path: Path, source: RunDir
) -> None:
    start = ("--start-from", source.path)
    straight = train(store, tmp_path / "straight", *start, steps=4)
    run = train(store, tmp_path / "run", *start, "--until", "0.5", steps=4)
    record = origin(run)
    # With the flag too, as long as it names the same weights.
    train(store, run.path, "--start-from", source.weights, "--until", "0.75", steps=4)
    shutil.rmtree(source.path)
    train(store, run.path, steps=4)
    assert origin(run) == record
    assert same(weights(run.path), weights(straight.path))
    drawn = train(store, tmp_path / "drawn", steps=4)
    assert origin(drawn) is None
    assert not same(weights(run.path), weights(drawn.path))


def test_a_run_that_was_ended_before_its_first_checkpoint_still_begins_there(
    store: Store, tmp_path: Path, source: RunDir
) -> None:
    straight = train(store, tmp_path / "straight", "--start-from", source.path)
    run = train(store, tmp_path / "run", "--start-from", source.path)
    shutil.rmtree(run.state)
    train(store, run.path)
    assert same(weights(run.path), weights(straight.path))
    shutil.rmtree(run.state)
    train(store, source.path, steps=5)
    with pytest.raises(UsageError, match="was begun from other weights than"):
        train(store, run.path)


def test_a_run_with_checkpoints_of_its_own_takes_no_other_weights(
    store: Store, tmp_path: Path, source: RunDir
) -> None:
    drawn = train(store, tmp_path / "drawn")
    with pytest.raises(UsageError, match="checkpoints of its own and began with drawn weights"):
        train(store, drawn.path, "--start-from", source.path, steps=4)
    run = train(store, tmp_path / "run", "--start-from", source.path)
    before = weights(run.path)
    with pytest.raises(UsageError, match="take another --run, or go on without --start-from"):
        train(store, run.path, "--start-from", drawn.path, steps=4)
    assert same(weights(run.path), before)
    assert origin(run)["weights"] == str(source.weights)


def test_another_network_or_a_pickle_ends_with_a_line_and_its_code(
    store: Store, tmp_path: Path, source: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    other = [*words(store, run, "--start-from", source.path), "model.width=8"]
    assert run_command(["train", *other]) == 2
    assert "model.width is 4 there and 8 here" in " ".join(capsys.readouterr().err.split())
    pickled = tmp_path / "g.pth"
    torch.save({"model": {}}, pickled)
    assert run_command(["train", *words(store, run, "--start-from", pickled)]) == 7
    assert "could run code" in " ".join(capsys.readouterr().err.split())
    assert not run.exists()
    with pytest.raises(BadInputError, match="no weights"):
        train(store, run, "--start-from", tmp_path / "nowhere")

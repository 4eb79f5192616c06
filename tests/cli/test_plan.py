"""`hagan plan`: what fits, told as a table, as JSON and as the command line to run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from hagan.cli import main
from hagan.cli.plan import bytes_of
from hagan.cli.train import Train
from hagan.config.codec import to_json
from hagan.config.recipes import recipe
from hagan.errors import UsageError
from hagan.training.cost import step_cost

NARROW = ("--set", "model.width=8", "model.latent_dim=16")
TINY = ("hagan-paper-32", "--device", "cpu", *NARROW)


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main.run(["plan", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_the_plan_is_what_the_prediction_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, *TINY, "--memory", "2GiB", "--batch-size", "2")
    assert (found["recipe"], found["device"]) == ("hagan-paper-32", "cpu")
    assert found["memory_bytes"] == 2 * 2**30
    chosen = found["chosen"]
    assert (chosen["batch_size"], chosen["accumulate"], chosen["num_slabs"]) == (2, 1, 8)
    names = [phase["name"] for phase in chosen["phases"]]
    assert names == ["discriminator", "generator", "high_encoder", "ground_encoder"]
    assert chosen["peak_bytes"] == max(phase["peak_bytes"] for phase in chosen["phases"])
    share = (
        found["overhead"]["fixed_bytes"]
        + found["overhead"]["share_of_peak"] * (chosen["peak_bytes"])
    )
    assert chosen["needed_bytes"] == pytest.approx(chosen["peak_bytes"] + share, abs=2)
    rate = found["flops_per_second"]["fp32"]
    assert chosen["seconds"] == pytest.approx(chosen["flops"] / rate)
    assert found["largest_batch_at_once"] is None


@pytest.mark.slow
def test_the_command_line_trains_the_recipe_that_was_planned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import tyro

    # Too little for a batch of 16 at once.
    found = planned(capsys, *TINY, "--memory", "375MiB", "--batch-size", "16")
    chosen = found["chosen"]
    assert chosen["accumulate"] > 1
    words = shlex.split(found["command"])
    assert words[:2] == ["hagan", "train"]
    command = tyro.cli(Train, args=words[2:])
    assert (command.recipe, command.device) == ("hagan-paper-32", "cpu")
    assert (command.batch_size, command.accumulate) == (16, chosen["accumulate"])
    assert command.set == ("model.width=8", "model.latent_dim=16")


@pytest.mark.slow
def test_a_device_that_is_not_there_is_planned_for_without_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    if torch.cuda.is_available():
        pytest.skip("CUDA is there")
    arguments = ("hagan-paper-32", "--device", "cuda", *NARROW, "--batch-size", "2")
    found = planned(capsys, *arguments, "--memory", "12GB")
    assert found["device"] == "cuda"
    assert found["overhead"]["measured"] is False
    assert "unmeasured" in found["overhead"]["about"]
    assert found["flops_per_second"] == {}
    assert found["chosen"]["seconds"] is None
    assert main.run(["plan", *arguments]) == 2
    assert "there is no cuda here; give --memory" in capsys.readouterr().err


@pytest.mark.slow
def test_a_config_file_is_a_recipe_and_settings_of_it_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(to_json(recipe("hagan-tiny-32")))
    found = planned(
        capsys, str(path), "--device", "cpu", "--memory", "4GiB", "--set", "training.batch_size=1"
    )
    assert [row["batch_size"] for row in found["considered"]] == [1], "it was asked for by name"
    assert found["command"].startswith(f"hagan train {path} --store STORE --run RUN --batch-size 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([*TINY, "--memory", "100MiB", "--batch-size", "1"], 4, "does not fit into 0.10 GiB"),
        (["hagan-paper-32", "--memory", "12 apples"], 2, "expected a size such as 12GB"),
        (["hagan-peper-32"], 2, "did you mean"),
        (["nowhere/config.json"], 3, "no such file"),
        (["hagan-32", "--batch-size", "2", "--accumulate", "4"], 2, "at most batch_size"),
        (["hagan-32", "--set", "model.wedth=8"], 2, "no such setting"),
    ],
)
def test_what_cannot_be_planned_ends_in_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["plan", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("12GB", 12 * 10**9),
        ("12GiB", 12 * 2**30),
        ("800 MiB", 800 * 2**20),
        ("1.5gb", 15 * 10**8),
        ("4096", 4096),
        ("1TB", 10**12),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "12XB", "0GB", "1e3", "1.2.3GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a size"):
        bytes_of(text)


@pytest.mark.slow
def test_what_is_free_is_the_memory_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, *TINY, "--batch-size", "1")
    assert found["memory_bytes"] > 2**28
    assert found["chosen"]["peak_bytes"] >= step_cost(recipe("hagan-tiny-32")).states / 100

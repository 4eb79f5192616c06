"""Checkpoints: damaged ones do not count, old ones go, names survive."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hagan.training.checkpoint import (
    Checkpoint,
    named,
    newest_checkpoint,
    save_checkpoint,
    under,
)


def checkpoint(step: int) -> Checkpoint:
    tensors = {"model/a": torch.full((3,), float(step)), "adam/x/0.step": torch.tensor(1.0)}
    return Checkpoint(step=step, tensors=tensors, facts={"roll_backs": step})


def test_newest_comes_back_whole(tmp_path: Path) -> None:
    for step in (2, 10, 4):
        save_checkpoint(tmp_path, checkpoint(step), keep=3)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert (found.step, found.facts) == (10, {"roll_backs": 10})
    assert torch.equal(found.tensors["model/a"], torch.full((3,), 10.0))


def test_same_state_has_the_same_hash(tmp_path: Path) -> None:
    first = save_checkpoint(tmp_path / "a", checkpoint(1), keep=1)
    assert first == save_checkpoint(tmp_path / "b", checkpoint(1), keep=1)
    assert first != save_checkpoint(tmp_path / "b", checkpoint(2), keep=1)


@pytest.mark.parametrize("damage", ["flip", "truncate", "no manifest", "half manifest", "no file"])
def test_damaged_newest_is_passed_over(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    save_checkpoint(tmp_path, checkpoint(1), keep=2)
    save_checkpoint(tmp_path, checkpoint(2), keep=2)
    weights, manifest = tmp_path / "step-00000002.safetensors", tmp_path / "step-00000002.json"
    content = bytearray(weights.read_bytes())
    if damage == "flip":
        content[-3] ^= 4
        weights.write_bytes(content)
    elif damage == "truncate":
        weights.write_bytes(content[: len(content) // 2])
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "half manifest":
        manifest.write_text(manifest.read_text()[:20])
    else:
        weights.unlink()
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 1
    assert (damage == "no manifest") or "an older checkpoint is used" in caplog.text


def test_no_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "absent") is None


def test_only_the_newest_are_kept_and_leftovers_go(tmp_path: Path) -> None:
    (tmp_path / ".abcd-step-00000009.safetensors").write_bytes(b"cut short by a kill")
    for step in range(5):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"step-0000000{step}.{kind}" for step in (3, 4) for kind in ("json", "safetensors")
    ]


def test_names_with_a_prefix_come_back_without_it() -> None:
    tensors = {"a.b": torch.zeros(1), "c": torch.ones(1)}
    both = named("model", tensors) | named("model2", {"d": torch.ones(2)})
    assert under("model", both) == tensors

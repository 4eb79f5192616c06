"""Turns: micro-batches move weights as the whole batch does; lack of memory halves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.errors import OutOfMemoryError
from hagan.training.trainer import Trainer
from hagan.training.turn import NonFiniteError
from training.processes import make_trainer


def trained(trainer: Trainer, steps: int = 2) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    values = [trainer.train_step() for _ in range(steps)]
    return trainer.model.state_dict(), values


def assert_same(first: Any, second: Any, within: float = 1e-10) -> None:
    """Weights, buffers, losses and gradient norms."""
    for name, tensor in first[0].items():
        torch.testing.assert_close(second[0][name], tensor, rtol=within, atol=within, msg=name)
    for step, other in zip(first[1], second[1], strict=True):
        assert other == pytest.approx(step, rel=within, abs=within)


CASES: dict[str, dict[str, Any]] = {
    "hagan": {},
    "paper": {"name": "hagan-paper-32"},
    "official": {"name": "hagan-official-32"},
    "official of classes": {"name": "hagan-official-32", "model": {"num_classes": 3}},
    "terms of the whole batch": {"model": {}},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("accumulate", [2, 3])
def test_micro_batches_move_weights_as_the_whole_batch_does(
    case: str, accumulate: int, tmp_path: Path
) -> None:
    """Two does not divide three: the parts differ in size. D of two recipes has buffers."""
    settings = CASES[case]
    whole = trained(make_trainer(tmp_path / "whole", **settings))
    parts = trained(make_trainer(tmp_path / "parts", accumulate=accumulate, **settings))
    assert_same(whole, parts)


@pytest.mark.slow
def test_the_default_recipe_departs_only_where_a_term_is_no_mean(tmp_path: Path) -> None:
    whole, parts = (
        trained(make_trainer(tmp_path / str(k), model={}, accumulate=k), steps=1)[1][0]
        for k in (1, 3)
    )
    differing = {name for name in whole if abs(whole[name] - parts[name]) > 1e-9}
    means = {n for n in whole if n.startswith("discriminator/") or n == "generator/fake"}
    assert not differing & means


def fail(
    trainer: Trainer, *, player: int, times: int, error: Callable[[], object], after: int = 0
) -> list[int]:
    """Let a player's loss run out of memory; returns how many volumes it saw in each call."""
    whole, left, seen = trainer.players[player], [times], []

    def loss(batch: Any) -> Any:
        seen.append(len(batch.volumes))
        terms = whole.phase.loss(batch)
        if left[0] and len(seen) > after:
            left[0] -= 1
            error()
        return terms

    trainer.players[player] = replace(whole, phase=replace(whole.phase, loss=loss))
    return seen


def ask_for_too_much() -> object:
    return torch.empty(2**50)


def raise_cuda() -> object:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


@pytest.mark.slow
@pytest.mark.parametrize("error", [ask_for_too_much, raise_cuda])
def test_a_turn_without_memory_is_taken_again_in_smaller_parts(
    error: Callable[[], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the generator's turn, after D has moved, with spectral norms that a lost pass moved."""
    calm = trained(make_trainer(tmp_path / "calm", name="hagan-paper-32", batch_size=4))
    trainer = make_trainer(tmp_path / "tight", name="hagan-paper-32", batch_size=4)
    seen = fail(trainer, player=1, times=1, error=error)
    assert_same(calm, trained(trainer))
    assert seen == [4, 2, 2, 2, 2]
    assert trainer.turns.accumulate == 2
    (record,) = caplog.records
    assert "out of memory in the generator's turn of step 0" in record.message
    assert "\n" not in record.message


@pytest.mark.slow
def test_what_the_parts_before_had_added_is_dropped(tmp_path: Path) -> None:
    calm = trained(make_trainer(tmp_path / "calm", batch_size=4))
    trainer = make_trainer(tmp_path / "tight", batch_size=4, accumulate=2)
    seen = fail(trainer, player=0, times=1, error=ask_for_too_much, after=1)
    assert_same(calm, trained(trainer))
    assert seen == [2, 2, *[1] * 8]


@pytest.mark.slow
def test_without_memory_for_one_volume_it_ends_and_says_what_to_change(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, batch_size=3)
    seen = fail(trainer, player=0, times=99, error=ask_for_too_much)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    with pytest.raises(OutOfMemoryError, match="one volume at a time; take") as caught:
        trainer.train_step()
    assert "\n" not in str(caught.value)
    assert seen == [3, 1, 1]
    for name, parameter in trainer.model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None


def test_other_errors_are_not_taken_for_lack_of_memory(tmp_path: Path) -> None:
    def wrong() -> object:
        raise RuntimeError("shapes do not fit")

    trainer = make_trainer(tmp_path)
    seen = fail(trainer, player=0, times=1, error=wrong)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        trainer.train_step()
    assert len(seen) == 1


def fitted(folder: Path, **settings: Any) -> Trainer:
    """A model without weights, whose turn takes up the batch in buffers."""
    return make_trainer(folder, name="gaussian-32", model={}, **settings)


@pytest.mark.parametrize("accumulate", [2, 3])
def test_a_turn_without_weights_takes_up_the_same_batch_in_micro_batches(
    accumulate: int, tmp_path: Path
) -> None:
    """Three volumes in parts of one and two; seven in all, so the last step has seen some twice."""
    whole = trained(fitted(tmp_path / "whole"), steps=3)
    parts = trained(fitted(tmp_path / "parts", accumulate=accumulate), steps=3)
    assert_same(whole, parts)
    assert float(parts[0]["generator.seen"]) == pytest.approx(9.0, abs=1e-9)
    assert set(whole[1][0]) == {"fit/unexplained"}, "no gradient, and so no norm of one"


def test_a_turn_without_weights_that_runs_out_of_memory_takes_up_its_batch_once(
    tmp_path: Path,
) -> None:
    calm = trained(fitted(tmp_path / "calm", batch_size=4))
    trainer = fitted(tmp_path / "tight", batch_size=4)
    seen = fail(trainer, player=0, times=1, error=ask_for_too_much)
    assert_same(calm, trained(trainer))
    assert seen[:2] == [4, 2]
    assert trainer.turns.accumulate == 2


def test_a_turn_without_weights_that_finds_no_number_is_refused(tmp_path: Path) -> None:
    trainer = fitted(tmp_path)
    player = trainer.players[0]

    def loss(batch: Any) -> Any:
        return {"unexplained": player.phase.loss(batch)["unexplained"] * float("nan")}

    trainer.players[0] = replace(player, phase=replace(player.phase, loss=loss))
    with pytest.raises(NonFiniteError, match="fit/unexplained not finite"):
        trainer.train_step()

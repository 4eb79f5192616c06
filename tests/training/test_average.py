"""The moving average: half-life, ramp, and a model that is itself again afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load_file

from hagan.errors import UsageError
from hagan.training.average import MovingAverage
from hagan.training.trainer import Trainer


def test_after_one_half_life_old_and_new_weigh_the_same(
    make_trainer: Callable[..., Trainer],
) -> None:
    model = make_trainer().model
    average = MovingAverage(model, half_life=40.0, ramp=None)
    name = "generator.common.fc.bias"
    start = average.tensors[name].clone()
    with torch.no_grad():
        model.generator.common.fc.bias.add_(1.0)
    for number in range(10):
        average.update(model, images_seen=4 * (number + 1), batch_size=4)
    torch.testing.assert_close(average.tensors[name], start + 0.5)


def test_ramp_shortens_the_half_life_at_first(make_trainer: Callable[..., Trainer]) -> None:
    average = MovingAverage(make_trainer().model, half_life=1000.0, ramp=0.05)
    assert average.decay(images_seen=400, batch_size=4) == pytest.approx(0.5 ** (4 / 20))
    assert average.decay(images_seen=10**6, batch_size=4) == pytest.approx(0.5 ** (4 / 1000))


def test_it_begins_with_what_the_model_has_after_it_looked_at_the_scans(
    make_trainer: Callable[..., Trainer],
) -> None:
    """A ramp would forget the weights before; without one they would be in it for long."""
    trainer = make_trainer(average_half_life=1e9, average_ramp=None)
    template = trainer.model.generator.high.template
    assert not template.is_empty
    kept = trainer.averages["average"].tensors["generator.high.template.grid"]
    assert torch.equal(kept, template.grid)
    assert kept.data_ptr() != template.grid.data_ptr()
    trainer.train_step()
    torch.testing.assert_close(
        trainer.averages["average"].tensors["generator.high.template.grid"], kept
    )


def test_applied_for_the_block_only(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer()
    average = trainer.averages["average"]
    assert average is not None
    trainer.train_step()
    live = trainer.model.generator.common.fc.bias.detach().clone()
    with average.applied(trainer.model):
        inside = trainer.model.generator.common.fc.bias.detach().clone()
    assert torch.equal(inside, average.tensors["generator.common.fc.bias"])
    assert not torch.equal(inside, live)
    assert torch.equal(trainer.model.generator.common.fc.bias, live)


def test_a_second_average_is_kept_published_and_taken_up_again(
    make_trainer: Callable[..., Trainer],
) -> None:
    changes = {"average_half_life": 400.0, "average_ramp": 0.5, "average_second": 100.0}
    trainer = make_trainer(**changes)
    first, second = trainer.averages["average"], trainer.averages["second"]
    assert (second.half_life, second.ramp) == (100.0, 0.125)
    for _ in range(3):
        trainer.train_step()
    trainer.save()
    name = "generator.common.fc.bias"
    assert not torch.equal(first.tensors[name], second.tensors[name])
    stored = load_file(trainer.run_dir.second_weights)
    assert torch.equal(stored[name], second.tensors[name])
    assert torch.equal(load_file(trainer.run_dir.weights)[name], first.tensors[name])
    again = make_trainer(**changes)
    assert torch.equal(again.averages["second"].tensors[name], second.tensors[name])


def test_a_run_without_one_keeps_none(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(average_half_life=None)
    assert trainer.averages == {}
    trainer.save()
    assert not trainer.run_dir.second_weights.exists()
    with pytest.raises(UsageError, match="average_second comes beside"):
        make_trainer(average_half_life=None, average_second=10.0)

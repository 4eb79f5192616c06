"""Forms by measurement leave a model as it was, and a run keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from hagan.config.recipes import recipe
from hagan.data.batches import Batch
from hagan.models.ha_gan import HAGAN
from hagan.networks.forms import forms_of, set_forms
from hagan.networks.upsample import FORMS
from hagan.training.trainer import Trainer
from hagan.training.tuning import fastest_forms

Make = Callable[..., Trainer]


def test_weights_buffers_and_mode_stay_and_every_layer_has_a_form() -> None:
    model = HAGAN(replace(recipe("hagan-paper-32").model, width=8, latent_dim=8)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    batch = Batch(torch.rand(2, 1, 32, 32, 32) * 2 - 1, None)
    forms = fastest_forms(model, batch, "fp32", torch.device("cpu"))
    assert forms == forms_of(model)
    assert len(forms) == 3
    assert set(forms.values()) <= set(FORMS)
    assert model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_resumed_run_keeps_its_forms_whatever_the_rule_says(make_trainer: Make) -> None:
    trainer = make_trainer()
    unusual = dict.fromkeys(forms_of(trainer.model), "plain")
    assert forms_of(trainer.model) != unusual
    set_forms(trainer.model, unusual)
    trainer.train_step()
    trainer.save()
    again = make_trainer(tune=True)
    assert again.resumed
    assert forms_of(again.model) == unusual


def test_a_new_run_is_tuned_where_asked(make_trainer: Make) -> None:
    trainer = make_trainer(tune=True)
    assert not trainer.resumed
    assert set(forms_of(trainer.model)) == {
        "generator.common.convs.1",
        "generator.high.convs.0",
        "generator.high.convs.1",
    }
    assert trainer.train_step()

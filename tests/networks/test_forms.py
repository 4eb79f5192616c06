"""The fastest form is kept, whatever the clock says, and no number changes but by rounding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from hagan.networks.forms import forms_of, measure_forms, seconds, set_forms
from hagan.networks.upsample import Form, UpConv


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(UpConv(4, 2, voxels=27), nn.ReLU(), UpConv(2, 1, voxels=216))
    return layers.double()


class Clock:
    """Says that one form of each layer is faster than the others."""

    def __init__(self, layers: list[UpConv], fastest: list[Form]) -> None:
        self.fastest = dict(zip(layers, fastest, strict=True))

    def __call__(self, compute: Callable[[], object], device: torch.device) -> float:
        compute()
        asked = [layer for layer, form in self.fastest.items() if layer.form == form]
        self.calls = getattr(self, "calls", 0) + 1
        return 1.0 if asked else 2.0


@pytest.mark.parametrize("form", ["plain", "transposed", "eightfold"])
def test_the_fastest_form_is_kept(form: Form) -> None:
    layers = network()
    features = torch.randn(1, 4, 3, 3, 3, dtype=torch.float64)
    before = layers(features)
    of_type = [m for m in layers if isinstance(m, UpConv)]
    clock = Clock(of_type[:1], [form])
    measured = measure_forms(layers[0], lambda: layers(features), clock)
    assert measured == {"": form}
    assert clock.calls == 3
    torch.testing.assert_close(layers(features), before, rtol=0, atol=1e-12)


def test_the_clock_runs_and_every_layer_has_an_answer_that_can_be_put_back() -> None:
    layers = network()
    measured = measure_forms(layers, lambda: layers(torch.randn(2, 4, 3, 3, 3).double()))
    assert set(measured) == {"0", "2"}
    other = network()
    set_forms(other, measured)
    assert forms_of(other) == measured
    assert all(p.grad is None for p in layers.parameters())
    assert seconds(lambda: None, torch.device("cpu")) < 1.0


def test_a_layer_that_is_not_reached_keeps_its_form() -> None:
    layers = network()
    before = forms_of(layers)
    measure_forms(layers, lambda: None)
    assert forms_of(layers) == before

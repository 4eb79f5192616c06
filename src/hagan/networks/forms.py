"""Which form of the doubling convolution is fastest in each layer, on the device at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hagan.networks.upsample import FORMS, Form, UpConv

REPEATS = 3

Timer = Callable[[Callable[[], object], torch.device], float]
"""Seconds that a computation takes on a device."""


def forms_of(network: nn.Module) -> dict[str, Form]:
    """The form of each doubling layer, by its name in the network."""
    return {name: m.form for name, m in network.named_modules() if isinstance(m, UpConv)}


def set_forms(network: nn.Module, forms: Mapping[str, Form]) -> None:
    """Put layers into forms; a network without one of them keeps its own."""
    for name, module in network.named_modules():
        if isinstance(module, UpConv) and name in forms:
            module.form = forms[name]


def measure_forms(
    network: nn.Module, run: Callable[[], object], timer: Timer | None = None
) -> dict[str, Form]:
    """Time every form of each doubling layer forward and backward, and keep the fastest.

    Forms round differently: whoever wants the same bits again has to keep the answer.

    Args:
        network: Its layers' forms are set.
        run: Passes through the network, so that each layer sees inputs as in use.
        timer: What measures; by default the clock, after the device has finished.

    Returns:
        The forms, by the layers' names.
    """
    timer = seconds if timer is None else timer
    for layer, features in _seen(network, run).items():
        took = {}
        for form in FORMS:
            layer.form = form
            took[form] = timer(lambda: _pass(layer, features), features.device)  # noqa: B023
        layer.form = min(FORMS, key=took.__getitem__)
    return forms_of(network)


def seconds(compute: Callable[[], object], device: torch.device) -> float:
    """The shortest of a few times, after one that is not counted."""
    times = []
    for _ in range(1 + REPEATS):
        _finish(device)
        began = time.perf_counter()
        compute()
        _finish(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _finish(device: torch.device) -> None:
    """Wait for what the device still computes."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _seen(network: nn.Module, run: Callable[[], object]) -> dict[UpConv, Tensor]:
    """What each doubling layer reads in a run; the last, where it is passed more than once."""
    seen: dict[UpConv, Tensor] = {}

    def note(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(layer, UpConv)
        seen[layer] = inputs[0].detach()

    hooks = [m.register_forward_pre_hook(note) for m in network.modules() if isinstance(m, UpConv)]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _pass(layer: UpConv, features: Tensor) -> None:
    """Forward and backward, in the type that autocast gives where it is on."""
    with torch.enable_grad():
        inputs = features.requires_grad_()
        output = layer(inputs)
        weights = [p for p in layer.parameters() if p.requires_grad]
        torch.autograd.grad(output, [inputs, *weights], torch.ones_like(output))

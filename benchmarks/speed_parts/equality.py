"""Whether every variant computes what the textbook path does, before anything is timed."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from hagan.config.training import RunConfig
from hagan.errors import UsageError
from speed_parts.levers import Levers
from speed_parts.subject import Subject

TOLERANCE = 1e-10
"""Of the largest term of a phase, of its largest gradient, and of 1 for weights."""

NARROW, LATENTS = 8, 64
SMALL_SIDES = (32, 64, 128)
"""The first that the hierarchy allows is taken."""

Compared = dict[str, list[Tensor]]
"""Terms and gradients of each phase."""


def differences(
    config: RunConfig, variants: dict[str, Levers], device: torch.device
) -> dict[str, float | str]:
    """Largest difference of each variant to `plain` in float64, or why it could not be found.

    Compared are the terms and gradients of every phase from the same weights, and the weights after
    two moves of Adam with the same gradients.
    """
    subject = Subject(_small(config), device, torch.float64)
    start = {name: tensor.clone() for name, tensor in subject.model.state_dict().items()}
    expected = _played(subject, Levers(), start)
    moved = _moved(subject, Levers(), expected, start)
    found: dict[str, float | str] = {}
    for name, levers in variants.items():
        try:
            played = _played(subject, levers, start)
            gaps = [_difference(_moved(subject, levers, expected, start), moved, 1.0)]
            for phase, numbers in expected.items():
                gaps.append(_difference(played[phase][:1], numbers[:1], _largest(numbers[:1])))
                gaps.append(_difference(played[phase][1:], numbers[1:], _largest(numbers[1:])))
        except RuntimeError as error:
            found[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        else:
            found[name] = max(gaps)
    return found


def is_equal(difference: float | str) -> bool:
    return isinstance(difference, float) and difference < TOLERANCE


def _small(config: RunConfig) -> RunConfig:
    for side in SMALL_SIDES:
        try:
            model = replace(
                config.model, volume_shape=(side,) * 3, width=NARROW, latent_dim=LATENTS
            )
        except UsageError:
            continue
        return replace(config, model=model, training=replace(config.training, batch_size=2))
    raise AssertionError(f"no side of {SMALL_SIDES} fits {config.name}")


def _played(subject: Subject, levers: Levers, start: dict[str, Tensor]) -> Compared:
    """A step that moves no weight."""
    subject.model.load_state_dict(start)
    subject.use(levers)
    subject.begin(0)
    compared: Compared = {}
    for player in subject.players:
        player.set_rate(0.0)
        gradients: list[Tensor] = []
        weights: list[Tensor] = list(player.phase.trains.parameters())

        def keep(*_: object, into: list[Tensor] = gradients, of: list[Tensor] = weights) -> None:
            zero = (torch.zeros_like(w) if w.grad is None else w.grad for w in of)
            into += [gradient.clone() for gradient in zero]

        handle = player.adam.register_step_pre_hook(keep)
        terms = subject.turns.take(player)
        handle.remove()
        values = [value for name, value in terms.items() if not name.endswith("/gradient")]
        compared[player.phase.name] = [torch.tensor(values, dtype=torch.float64), *gradients]
    return compared


def _moved(
    subject: Subject, levers: Levers, gradients: Compared, start: dict[str, Tensor]
) -> list[Tensor]:
    """Weights after two moves with given gradients, of which the first is taken plainly.

    So what Adam keeps is carried from one variant to the next, as it is between timed steps.
    """
    subject.model.load_state_dict(start)
    for player in subject.players:
        player.adam.state.clear()
        player.set_rate(1.0)
    for scale, pulled in ((1.0, Levers()), (-0.5, levers)):
        subject.use(pulled)
        for player in subject.players:
            weights = list(player.phase.trains.parameters())
            for weight, gradient in zip(weights, gradients[player.phase.name][1:], strict=True):
                weight.grad = torch.empty_like(weight).copy_(gradient).mul_(scale)
            player.adam.step()
            player.adam.zero_grad(set_to_none=True)
    return [weight.detach().clone() for weight in subject.model.parameters()]


def _difference(one: list[Tensor], other: list[Tensor], scale: float) -> float:
    """Largest difference, by `scale`; infinite where something is not a number."""
    gaps = [float((a - b).abs().max()) / scale for a, b in zip(one, other, strict=True)]
    # max passes over NaN.
    return max(gaps) if all(map(math.isfinite, gaps)) else math.inf


def _largest(tensors: list[Tensor]) -> float:
    return max(float(tensor.abs().max()) for tensor in tensors)

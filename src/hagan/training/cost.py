"""What a training step costs in memory and operations, found without computing it.

The real model takes its real turns, with the trainer's own code, on tensors that have sizes and no
numbers. So nothing here knows a network: what the step makes is counted as it is made.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.models.build import build_model
from hagan.models.gan import GAN
from hagan.training.average import MovingAverage
from hagan.training.distributed import World
from hagan.training.live_memory import LiveMemory
from hagan.training.players import Player, make_players
from hagan.training.shares import Share
from hagan.training.turn import Turns

MOST_TRACED = 2
"""Micro-batches that are traced: those after the second cost the same, and hold their own data."""

FEW = 16
"""Numbers to draw from below which the middle itself is the interior."""


@dataclass(frozen=True)
class PhaseCost:
    """What one player's turns in a step cost."""

    name: str
    peak: int
    """Most bytes of tensors that are alive at once in the turns, all states among them."""
    saved: int
    """Most bytes that wait for the backward pass at once, without weights. Where the loss keeps a
    view of the batch, the batch counts."""
    flops: int
    """Floating-point operations of convolutions and matrix products."""


@dataclass(frozen=True)
class StepCost:
    """What a training step costs."""

    states: int
    """Bytes that stay between steps: weights, Adam's moments and the moving average."""
    data: int
    """Bytes of the batch as the model prepares it, which stay for the length of a step."""
    phases: tuple[PhaseCost, ...]
    """In the order of the step."""
    average_peak: int = 0
    """Most bytes while the moving average follows; 0 without one."""

    @property
    def peak(self) -> int:
        """Most bytes of tensors that are alive at once."""
        return max([self.average_peak, *(phase.peak for phase in self.phases)])

    @property
    def saved(self) -> int:
        """Most bytes that wait for a backward pass at once."""
        return max(phase.saved for phase in self.phases)

    @property
    def flops(self) -> int:
        """Floating-point operations of the step."""
        return sum(phase.flops for phase in self.phases)


def step_cost(config: RunConfig, *, device: str = "cpu") -> StepCost:
    """What a step costs in which every player has its turn.

    It is the step that the model names as its costliest. For most models that is the first one, at
    which all players move, and full volumes are made where `whole_every` asks for them; a model
    that grows names one at which it is grown. Adam's moments are there already, as in every later
    step. r is an interior start, where a slab has both halos.

    Args:
        config: What is trained, and how.
        device: `cpu` or `cuda`, which need not be there: where a model does something else on CUDA
            it is told that it is there, and autocast keeps to float32 what it keeps there.
    """
    training = config.training
    parts = min(training.accumulate, training.batch_size)
    if parts <= MOST_TRACED:
        return _traced(config, device)
    largest = -(-training.batch_size // parts)
    traced = _traced(_with_batch(config, largest * MOST_TRACED, MOST_TRACED), device)
    return _with_parts(traced, parts)


def _with_batch(config: RunConfig, batch_size: int, accumulate: int) -> RunConfig:
    training = replace(config.training, batch_size=batch_size, accumulate=accumulate)
    return replace(config, training=training)


def _with_parts(cost: StepCost, parts: int) -> StepCost:
    """The cost with so many equal micro-batches, from that with `MOST_TRACED` of them."""
    further = (parts - MOST_TRACED) * cost.data // MOST_TRACED
    phases = tuple(
        replace(phase, peak=phase.peak + further, flops=phase.flops * parts // MOST_TRACED)
        for phase in cost.phases
    )
    average_peak = cost.average_peak and cost.average_peak + further
    return StepCost(cost.states, cost.data + further, phases, average_peak)


@lru_cache(maxsize=256)
def _traced(config: RunConfig, device: str) -> StepCost:
    """The cost of one step, traced from end to end."""
    # Turns seed torch's generator, which stays the caller's.
    with (
        torch.random.fork_rng(devices=[]),
        FakeTensorMode(),
        Answers(),
        as_if_on(device),
        LiveMemory() as live,
    ):
        return watched_step(config, live)


def watched_step(config: RunConfig, live: LiveMemory) -> StepCost:
    """Take a step on random data and say what `live` saw of it.

    Args:
        config: What is trained, and how.
        live: Counts already, so that the states count too.
    """
    training = config.training
    model = build_model(config.model).train()
    players = make_players(model.phases())
    for player in players:
        _give_moments(player)
    turns = Turns(
        model,
        World(),
        device=torch.device("cpu"),
        precision=training.precision,
        accumulate=training.accumulate,
        largest_share=training.batch_size,
    )
    half_life, ramp = training.average_half_life, training.average_ramp
    average = None if half_life is None else MovingAverage(model, half_life=half_life, ramp=ramp)
    states = live.held
    # After the first step it is known which losses ask for rows of the whole batch.
    for step in range(2 if training.accumulate > 1 else 1):
        model.begin_step(model.costliest_step())
        turns.begin(step, training.seed, lambda _: _random_batch(model, training.batch_size))
        phases = [_turns_of(player, turns, live) for player in players]
        peak = 0
        if average is not None:
            with live.part() as part:
                average.update(model, images_seen=1, batch_size=training.batch_size)
            peak = part.peak
    return StepCost(states, live.held - states, tuple(phases), peak)


def _turns_of(player: Player, turns: Turns, live: LiveMemory) -> PhaseCost:
    phase = player.phase
    with live.part(weights=turns.model.parameters()) as part:
        for repeat in range(phase.repeats):
            turns.take(player, repeat)
    return PhaseCost(phase.name, part.peak, part.saved, part.flops)


def _give_moments(player: Player) -> None:
    """Let Adam make its moments, which it does in its first move."""
    for parameter in player.phase.trains.parameters():
        parameter.grad = torch.zeros_like(parameter)
    player.move()


def _random_batch(model: GAN[Any], count: int) -> tuple[Batch, Share]:
    """Volumes of no particular content, and labels where the model takes them."""
    volumes = torch.randn(count, 1, *model.volume_shape).clamp_(-1, 1)
    return Batch(volumes=volumes, labels=model.example_labels(count)), Share(0, count, count)


class Answers(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Numbers for code that asks a tensor without numbers for one.

    Whole numbers that were drawn are from the middle of their range, others 0; losses and norms are
    1, which is finite.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._drawn: tuple[Tensor, int] | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Answer, or let the operation go on to whoever is next."""
        aten = torch.ops.aten
        if func is aten._local_scalar_dense.default:
            (asked,) = args
            if asked.is_floating_point():
                return 1.0
            if self._drawn is None or not _same_storage(asked, self._drawn[0]):
                return 0
            return self._drawn[1]
        made = func(*args, **(kwargs or {}))
        if func in (aten.randint.default, aten.randint.low) and made.dim() == 0:
            low, high = (0, args[0]) if func is aten.randint.default else args[:2]
            self._drawn = made, interior(low, high)
        return made


def _same_storage(one: Tensor, other: Tensor) -> bool:
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)


def interior(low: int, high: int) -> int:
    """A whole number from the middle of [low, high), where many are even and no multiple of 4.

    A slab that starts there fits no coarser grid, so it has the widest halos that there are.
    """
    middle = (low + high) // 2
    return middle if high - low < FEW else middle - middle % 4 + 2


class _LikeCUDA(TorchFunctionMode):
    """Tensors say that they are on CUDA, and autocast keeps to float32 what it keeps there."""

    FLOAT32 = frozenset(
        (
            *(functional.group_norm, functional.layer_norm, functional.softplus),
            *(functional.l1_loss, functional.mse_loss, functional.cross_entropy),
            *(torch.rsqrt, torch.pow, Tensor.pow, torch.exp, torch.log),
        )
    )
    """Of torch's list of CUDA operations that autocast to float32, what GANs are made of."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return True
        if func in self.FLOAT32 and torch.is_autocast_enabled("cpu"):
            args = tuple(_float32(arg) for arg in args)
        return func(*args, **(kwargs or {}))


def _float32(value: object) -> object:
    is_half = isinstance(value, Tensor) and value.dtype == torch.bfloat16
    return value.float() if is_half else value  # type: ignore[attr-defined]


def as_if_on(device: str) -> AbstractContextManager[object]:
    """Let code that asks believe that its tensors are on that kind of device."""
    return _LikeCUDA() if torch.device(device).type == "cuda" else nullcontext()

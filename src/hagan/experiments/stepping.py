"""Training steps on random volumes, taken with the trainer's own turns and watched from outside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import torch
from torch import nn

from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.errors import OutOfMemoryError
from hagan.models.build import build_model
from hagan.training.average import MovingAverage
from hagan.training.distributed import World
from hagan.training.players import make_players
from hagan.training.schedule import step_seed
from hagan.training.shares import Share
from hagan.training.turn import Turns

Around: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""What is put around a phase's turns, by its name."""

AVERAGE = "moving average"
"""Name under which the weights' average counts beside the phases."""

RATE = 1e-3
"""Share of the learning rates. Untrained weights at the last level of a model that grows could
blow up at the full rate; a step costs the same at any."""


class Stepper:
    """A model with its players, and one batch on the CPU that every step reads."""

    def __init__(self, config: RunConfig, device: str) -> None:
        """Build the model and the optimisers.

        Args:
            config: What is trained, and how.
            device: Where; it must be there.
        """
        training = config.training
        torch.manual_seed(training.seed)
        self.config = config
        self.model = build_model(config.model).to(device).train()
        self.players = make_players(self.model.phases())
        self.turns = Turns(
            self.model,
            World(),
            device=torch.device(device),
            precision=training.precision,
            accumulate=training.accumulate,
            largest_share=training.batch_size,
        )
        half_life, ramp = training.average_half_life, training.average_ramp
        self.average = (
            None if half_life is None else MovingAverage(self.model, half_life=half_life, ramp=ramp)
        )
        count = training.batch_size
        labels = self.model.example_labels(count)
        volumes = torch.rand(count, 1, *config.model.volume_shape) * 2 - 1
        self.batch = Batch(volumes=volumes, labels=labels)

    @property
    def first(self) -> int:
        """The step to begin with: a model that grows has grown by then."""
        return self.model.costliest_step()

    def step(self, number: int, around: Around, *, everyone: bool = False) -> None:
        """Take a training step.

        Args:
            number: Of the step, from which its randomness and the model's schedule follow.
            around: Entered around the turns of each phase and around the moving average.
            everyone: Whether players that have no turn at this step take theirs too.

        Raises:
            OutOfMemoryError: The batch did not fit at once.
        """
        training = self.config.training
        count = training.batch_size
        seed = step_seed(training.seed, number)
        torch.manual_seed(seed)
        self.model.begin_step(number)
        self.turns.begin(number, seed, lambda _: (self.batch, Share(0, count, count)))
        for player in self.players:
            if not (everyone or player.phase.has_turn(number)):
                continue
            player.set_rate(RATE)
            with around(player.phase.name):
                for repeat in range(player.phase.repeats):
                    self.turns.take(player, repeat)
        if self.average is not None:
            with around(AVERAGE):
                seen = (number + 1) * count
                self.average.update(self.model, images_seen=seen, batch_size=count)
        # Turns go on in smaller micro-batches by themselves, which is another measurement.
        if self.turns.needed > 1:
            raise OutOfMemoryError(f"a batch of {count} volumes did not fit at once")


def parameters_of(model: nn.Module) -> dict[str, int]:
    """Trained numbers of each network; one that two networks share counts in the first."""
    seen: set[int] = set()
    counts: dict[str, int] = {}
    for name, network in model.named_children():
        own = {id(p): p.numel() for p in network.parameters() if id(p) not in seen}
        seen |= own.keys()
        if own:
            counts[name] = sum(own.values())
    return counts

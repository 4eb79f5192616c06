"""A model and its players that take training steps under any levers, on random volumes."""

from __future__ import annotations

import torch
from torch import Tensor

from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.models.ha_gan import HAGAN
from hagan.training.average import MovingAverage
from hagan.training.distributed import World
from hagan.training.players import make_players
from hagan.training.shares import Share
from hagan.training.trainer import step_seed
from hagan.training.turn import Turns
from speed_parts.levers import ENCODERS, FAST, Levers, Switches
from speed_parts.timing import Clock


class Subject:
    """One model for all variants: 256 cubed then takes 4 GiB, whatever is compared."""

    def __init__(self, config: RunConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.config = config
        self.model = HAGAN(config.model).to(device, dtype).train()
        self.device, self.dtype = device, dtype
        self.players = make_players(self.model.phases())
        self.switches = Switches(self.model, self.players)
        generator = torch.Generator().manual_seed(1)
        count = config.training.batch_size
        shape = (count, 1, *config.model.volume_shape)
        self.volumes = torch.rand(shape, generator=generator, dtype=dtype) * 2 - 1
        labels: Tensor | None = None
        if config.model.num_classes:
            labels = torch.eye(config.model.num_classes, dtype=dtype)
            labels = labels[torch.arange(count) % config.model.num_classes]
        self.labels = labels
        half_life = config.training.average_half_life
        self.average = (
            None
            if half_life is None
            else MovingAverage(self.model, half_life=half_life, ramp=config.training.average_ramp)
        )
        self.use(FAST)

    def use(self, levers: Levers) -> None:
        """Go on under these levers."""
        self.levers = levers
        self.switches.use(levers)
        count = self.config.training.batch_size
        self.turns = Turns(
            self.model,
            World(),
            device=self.device,
            precision="bf16" if levers.bf16 else "fp32",
            accumulate=1,
            largest_share=count,
        )

    def step(self, number: int, clock: Clock) -> dict[str, float]:
        """One training step as the trainer takes it: seconds by phase.

        The first phase's include what prepares the batch.
        """
        self.begin(number)
        seconds: dict[str, float] = {}
        for player in self.players:
            phase = player.phase
            if phase.name in ENCODERS and number % self.levers.encoder_every:
                continue
            with clock.timed() as timing:
                for repeat in range(phase.repeats):
                    self.turns.take(player, repeat)
            seconds[phase.name] = timing.seconds
        if self.average is not None:
            count = self.config.training.batch_size
            with clock.timed() as timing:
                self.average.update(self.model, images_seen=(number + 1) * count, batch_size=count)
            seconds["average"] = timing.seconds
        return seconds

    def mean_step(self, number: int, clock: Clock) -> dict[str, float]:
        """A step's seconds, averaged over as many as it takes until all had their turn."""
        total: dict[str, float] = {}
        every = self.levers.encoder_every
        for offset in range(every):
            for name, seconds in self.step(number * every + offset, clock).items():
                total[name] = total.get(name, 0.0) + seconds / every
        return total

    def begin(self, number: int) -> None:
        """Begin a step: its random numbers are a function of its number, under any levers."""
        seed = step_seed(0, number)
        torch.manual_seed(seed)
        self.model.begin_step(number)
        count = self.config.training.batch_size
        batch = Batch(volumes=self.volumes, labels=self.labels)
        self.turns.begin(number, seed, lambda _: (batch, Share(0, count, count)))

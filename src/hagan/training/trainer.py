"""The one training loop: it knows phases, and no GAN by name."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import torch

from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.batches import Batch
from hagan.errors import DivergedError, InterruptedRunError, UsageError
from hagan.models.gan import GAN
from hagan.networks.forms import set_forms
from hagan.training.average import averages_of
from hagan.training.batch_source import BatchSource, PartialSource
from hagan.training.clock import Clock
from hagan.training.distributed import World
from hagan.training.guards import Guards
from hagan.training.log import MetricsLog, open_tensorboard
from hagan.training.players import make_players
from hagan.training.preview import write_preview
from hagan.training.saving import Resumed, Saver, same_start
from hagan.training.schedule import progress_of, rate_share, step_seed
from hagan.training.shares import Share
from hagan.training.signals import StopRequest, stop_on_signals
from hagan.training.tuning import fastest_forms
from hagan.training.turn import NonFiniteError, Turns

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What a display needs after a step."""

    step: int
    steps: int
    seconds: float
    line: Mapping[str, Any] | None
    """The line of metrics.jsonl, where this step wrote one."""


class Trainer:
    """Trains a model in a run folder, from its newest checkpoint if it has one."""

    def __init__(
        self,
        model: GAN[Any],
        config: RunConfig,
        batches: BatchSource,
        run: RunDir,
        *,
        geometry: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
        on_step: Callable[[Progress], None] | None = None,
        tensorboard: bool = False,
        world: World | None = None,
        tune: bool = False,
        until: float = 1.0,
    ) -> None:
        """Set up players and resume.

        Args:
            model: Freshly built; its weights are replaced when resuming.
            config: The run's recipe.
            batches: Real data addressed by step.
            run: Where checkpoints, weights, metrics and previews go.
            geometry: JSON form of the data's geometry, for the weights file.
            device: Where to train.
            on_step: Called after each step, for a display.
            tensorboard: Also write TensorBoard events, where it is installed.
            world: The processes that train the run together; by default this one alone. The
                first one alone writes into the run's folder.
            tune: Time the forms of layers that have several on this device, before the first step
                of a new run; a run keeps its forms.
            until: Share of the run after which this training ends, saved.

        Raises:
            UsageError: There are more processes than volumes in a batch.
        """
        self.model = model.to(device).train()
        self.config = config
        self.batches = batches
        self.run_dir = run
        self.device = torch.device(device)
        self.on_step = on_step
        self.world = world or World()
        training = config.training
        if training.batch_size < self.world.size:
            few = UsageError(
                f"{self.world.size} processes share batches of {training.batch_size}; take "
                "a --batch-size of at least as many volumes, or fewer processes"
            )
            raise self.world.common(few)
        self.players = make_players(model.phases())
        self.turns = Turns(
            model,
            self.world,
            device=self.device,
            precision=training.precision,
            accumulate=training.accumulate,
            largest_share=-(-training.batch_size // self.world.size),
        )
        same_start(self.model, self.world)
        self.averages = averages_of(model, training)
        self.saver = Saver(
            self.model,
            self.players,
            self.averages,
            config=config,
            run=run,
            geometry=geometry,
            world=self.world,
        )
        self.until = until
        self.step = 0
        self.clock = Clock(self.device.type)
        self.roll_backs = 0
        self.metrics: MetricsLog | None = None
        self.tensorboard = None
        if self.world.is_first:
            run.path.mkdir(parents=True, exist_ok=True)
        self.resumed = self._resume()
        if not self.resumed:
            if self.world.is_first:
                self.model.look(batches.at(step).volumes for step in count())
            same_start(self.model, self.world)
            for average in self.averages.values():
                average.begin(self.model)
        if tune and not self.resumed:
            fastest = partial(fastest_forms, model, batches.at(0), training.precision, self.device)
            set_forms(model, self.world.from_first(fastest))
        self._open_metrics()
        if tensorboard and self.world.is_first:
            self.tensorboard = open_tensorboard(run.tensorboard)

    def train(self) -> None:
        """Train to the recipe's last step or minute, saving on the way.

        Raises:
            InterruptedRunError: SIGTERM or Ctrl-C; the state was saved.
            DivergedError: A step stayed non-finite after every roll-back.
            OutOfMemoryError: Memory does not suffice for one volume at a time.
        """
        training = self.config.training
        try:
            with stop_on_signals() as stop:
                if self.step == 0:
                    self.save()
                    self.preview()
                while not self.is_done and not self._stops(stop):
                    self._guarded_step()
                    if self.step % training.save_every == 0:
                        self.save()
                    if self.step % training.preview_every == 0:
                        self.preview()
                self._finish(stop)
        finally:
            if self.tensorboard is not None:
                self.tensorboard.close()

    @property
    def is_done(self) -> bool:
        """Whether all was done that was asked for, in any process."""
        training = self.config.training
        done = progress_of(training, self.step, self.clock.seconds) >= self.until
        if self.step >= training.steps or training.minutes is None:
            return done
        return self.world.largest(int(done)) > 0

    def _stops(self, stop: StopRequest) -> bool:
        """Whether a signal reached any of the processes; then all of them stop after this step."""
        number = self.world.largest(stop.signal or 0)
        if number:
            stop.signal = signal.Signals(number)
        return bool(stop)

    def _finish(self, stop: StopRequest) -> None:
        """Save what the last regular checkpoint has not."""
        self.save()
        if stop.signal is not None and not self.is_done:
            error = InterruptedRunError(
                f"{stop.signal.name}: stopped after step {self.step} of "
                f"{self.config.training.steps}, everything saved in {self.run_dir.path}; "
                "the same command goes on"
            )
            raise self.world.common(error)

    # One step.

    def _guarded_step(self) -> None:
        """A step that goes back to the last checkpoint when it meets what is not a number."""
        began = time.perf_counter()
        try:
            with self.clock.running():
                values = self.train_step()
        except NonFiniteError as error:
            self._roll_back(error)
            return
        self.guards.see_losses(self.step, values)
        line = None if self.metrics is None else self.metrics.add(self.step, values)
        if line is not None and self.tensorboard is not None:
            self.tensorboard.add(line)
        if self.on_step is not None:
            seconds = time.perf_counter() - began
            self.on_step(Progress(self.step, self.config.training.steps, seconds, line))

    def train_step(self) -> dict[str, float]:
        """The turn of every player that has one; returns terms and norms by `<phase>/<name>`.

        Raises:
            NonFiniteError: A loss or gradient is not finite; weights may have moved.
        """
        training = self.config.training
        progress = progress_of(training, self.step, self.clock.seconds)
        if training.minutes is not None:
            # Clocks differ from process to process.
            progress = self.world.from_first(lambda: progress)
        share = rate_share(training, self.step, progress)
        seed = step_seed(training.seed, self.step, self.roll_backs)
        torch.manual_seed(seed)
        self.model.begin_step(self.step, progress)
        self.turns.begin(self.step, seed, self._load)
        values: dict[str, float] = {}
        for player in self.players:
            if not player.phase.has_turn(self.step):
                continue
            player.set_rate(share)
            for repeat in range(player.phase.repeats):
                values |= self.turns.take(player, repeat)
        self.step += 1
        seen = self.step * training.batch_size
        for average in self.averages.values():
            average.update(self.model, images_seen=seen, batch_size=training.batch_size)
        return values

    def _load(self, repeat: int) -> tuple[Batch, Share]:
        """This process's share of a batch of this step, on the CPU."""
        if self.world.size > 1 and isinstance(self.batches, PartialSource):
            share = self.world.share(self.config.training.batch_size)
            return self.batches.part(self.step, repeat, share.first, share.count), share
        batch = self.batches.at(self.step, repeat)
        share = self.world.share(len(batch.volumes))
        return batch.rows(share.first, share.count), share

    def _roll_back(self, error: NonFiniteError) -> None:
        """Go back to the newest checkpoint and on with other random numbers."""
        failed_at, roll_backs, seconds = self.step, self.roll_backs + 1, self.clock.seconds
        resumed = self._resume()
        # The steps are taken back, what they took is not.
        self.clock.seconds = seconds
        if roll_backs > self.config.training.max_roll_backs or not resumed:
            diverged = DivergedError(
                f"{error}, after {roll_backs - 1} roll-backs; the last good state is step "
                f"{self.step} in {self.run_dir.state}. Lower the learning rates, or look at "
                f"{self.run_dir.metrics} for the loss that grew"
            )
            raise self.world.common(diverged) from error
        self.roll_backs = roll_backs
        log.warning("%s; rolled back from step %d to %d", error, failed_at, self.step)
        self._open_metrics()
        # Saved at once, so that a kill does not forget that these random numbers failed.
        self.save()

    # Saving and resuming.

    def save(self) -> str:
        """Write a checkpoint, then the weights for use; returns the checkpoint's SHA-256."""
        return self.saver.save(
            Resumed(self.step, self.roll_backs, self.turns.needed, self.clock.seconds)
        )

    def _resume(self) -> bool:
        """Take up the newest valid checkpoint; false where there is none."""
        found = self.saver.resume()
        if found is None:
            return False
        self.step, self.roll_backs = found.step, found.roll_backs
        self.clock.seconds = found.seconds
        self.turns.take_up(found.accumulate)
        return True

    def _open_metrics(self) -> None:
        """Cut log and warnings back to the present step, in the process that writes them."""
        if self.world.is_first:
            every = self.config.training.log_every
            self.metrics = MetricsLog(self.run_dir.metrics, every=every, resumed_step=self.step)
        self.guards = Guards(
            self.run_dir.warnings,
            chance=self.model.chance_terms(),
            resumed_step=self.step,
            writes=self.world.is_first,
        )

    def preview(self) -> None:
        """Write a picture of real, fake and rebuilt volumes of the weights for use."""
        if not self.world.is_first:
            return
        path = self.run_dir.previews / f"step-{self.step:08d}.png"
        batch = self.batches.at(0)
        average = self.averages.get("average")
        with nullcontext() if average is None else average.applied(self.model):
            real, fake = write_preview(self.model, batch, path, device=self.device)
        progress = progress_of(self.config.training, self.step, self.clock.seconds)
        self.guards.see_volumes(self.step, progress, real, fake)

"""What a run saves and takes up again: checkpoints for resuming, weights for use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.models.gan import GAN
from hagan.models.weights import published_tensors, save_weights
from hagan.networks.forms import forms_of, set_forms
from hagan.training.average import MovingAverage
from hagan.training.checkpoint import (
    Checkpoint,
    named,
    newest_checkpoint,
    save_checkpoint,
    under,
)
from hagan.training.distributed import World
from hagan.training.players import Player


@dataclass(frozen=True)
class Resumed:
    """Where a checkpoint left off."""

    step: int
    """Steps that are done."""
    roll_backs: int
    accumulate: int
    """Micro-batches that memory allowed; 1 where the checkpoint does not say."""
    seconds: float = 0.0
    """What the steps took."""


class Saver:
    """Writes what training holds into the run's folder, and puts it back."""

    def __init__(
        self,
        model: GAN[Any],
        players: Sequence[Player],
        averages: Mapping[str, MovingAverage],
        *,
        config: RunConfig,
        run: RunDir,
        geometry: Mapping[str, Any] | None,
        world: World,
    ) -> None:
        """Hold on to everything that has a state.

        Args:
            model: Its weights and buffers.
            players: Their optimisers.
            averages: Moving averages by name; `average` makes the weights for use, and `second`
                further ones beside them.
            config: The run's recipe.
            run: Where everything goes.
            geometry: JSON form of the data's geometry, for the weights file.
            world: The processes of the run; the first one reads and writes for all.
        """
        self.model = model
        self.players = players
        self.averages = averages
        self.config = config
        self.run_dir = run
        self.geometry = geometry
        self.world = world

    def save(self, state: Resumed) -> str:
        """Write a checkpoint, then the weights for use.

        Args:
            state: What to take up with it.

        Returns:
            SHA-256 of the checkpoint's tensors.

        Raises:
            DiskError: It cannot be written.
        """
        sha256: str = self.world.from_first(lambda: self._write(state))
        return sha256

    def resume(self) -> Resumed | None:
        """Put back the newest valid checkpoint; none where there is none."""
        checkpoint = self._newest()
        if checkpoint is None:
            return None
        self.model.load_state_dict(under("model", checkpoint.tensors))
        for player in self.players:
            player.load_state(under(f"adam/{player.phase.name}", checkpoint.tensors))
        for key, average in self.averages.items():
            for name, tensor in under(key, checkpoint.tensors).items():
                average.tensors[name].copy_(tensor)
        facts = checkpoint.facts
        set_forms(self.model, facts.get("forms", {}))
        # Checkpoints of before they were remembered say nothing of micro-batches and seconds.
        return Resumed(
            checkpoint.step,
            int(facts["roll_backs"]),
            int(facts.get("accumulate", 1)),
            float(facts.get("seconds", 0.0)),
        )

    def _write(self, state: Resumed) -> str:
        tensors = named("model", self.model.state_dict())
        for player in self.players:
            tensors |= named(f"adam/{player.phase.name}", player.state())
        for key, average in self.averages.items():
            tensors |= named(key, average.tensors)
        checkpoint = Checkpoint(
            step=state.step,
            tensors=tensors,
            facts={
                "roll_backs": state.roll_backs,
                "accumulate": state.accumulate,
                "seconds": state.seconds,
                # Forms round differently: the same ones give the same bits again.
                "forms": forms_of(self.model),
            },
        )
        sha256 = save_checkpoint(self.run_dir.state, checkpoint, keep=self.config.training.keep)
        self.run_dir.weights.parent.mkdir(parents=True, exist_ok=True)
        self._publish(self.run_dir.weights, self.averages.get("average"), state.step)
        if "second" in self.averages:
            self._publish(self.run_dir.second_weights, self.averages["second"], state.step)
        return sha256

    def _publish(self, path: Path, average: MovingAverage | None, step: int) -> None:
        """Write weights for use: an average's, or the last ones."""
        save_weights(
            published_tensors(self.model) if average is None else average.tensors,
            path,
            config=self.config,
            step=step,
            geometry=self.geometry,
        )

    def _newest(self) -> Checkpoint | None:
        """The checkpoint that the first process finds; the others need not see its disk."""
        found = newest_checkpoint(self.run_dir.state) if self.world.is_first else None
        told = self.world.from_first(lambda: found and [found.step, found.facts])
        if told is None:
            return None
        tensors = self.world.tensors_from_first({} if found is None else found.tensors)
        return Checkpoint(step=told[0], tensors=tensors, facts=told[1])


def same_start(model: GAN[Any], world: World) -> None:
    """Give every process the first one's weights, however they were drawn."""
    if world.size > 1:
        model.load_state_dict(world.tensors_from_first(model.state_dict()))

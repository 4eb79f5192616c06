"""One player's turn: losses of the shares of a batch, their gradients added up, one move.

A step's batch is cut over processes and, within each, over micro-batches. Whatever the cut, a turn
moves the weights as the whole batch would: each share's loss counts by its part of the batch, all
shares start from the same buffers and see the whole batch's draws. Where memory runs out, the turn
is taken again with micro-batches of half the size; weights have not moved by then.
"""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from hagan.data.batches import Batch
from hagan.errors import OutOfMemoryError, UsageError
from hagan.models.gan import GAN
from hagan.training.distributed import World
from hagan.training.joint_statistics import join_statistics
from hagan.training.out_of_memory import unless_out_of_memory
from hagan.training.packed import Packed
from hagan.training.players import Player
from hagan.training.shares import Share, share_of_turn, turn_seed

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

_DONE, _ASKED, _OUT_OF_MEMORY = 0, 1, 2
"""How an attempt ended, the graver the larger; all processes go on with the gravest."""


class NonFiniteError(Exception):
    """A loss or gradient that is not a number; the trainer rolls back."""


class Turns:
    """Takes the players' turns of one step after another."""

    def __init__(
        self,
        model: GAN[Any],
        world: World,
        *,
        device: torch.device,
        precision: str,
        accumulate: int,
        largest_share: int,
    ) -> None:
        """Set up.

        Args:
            model: What is trained.
            world: The processes that train it.
            device: Where.
            precision: `fp32` or `bf16`, of the forward passes.
            accumulate: Micro-batches of each process's share of a batch, at first.
            largest_share: Volumes of the process that has most of them.
        """
        self.model = model
        self.world = world
        self.device = device
        self.precision = precision
        self.largest_share = largest_share
        self._asked = min(accumulate, largest_share)
        self.accumulate = self._asked
        self._asking: set[str] = set()
        """Phases with terms that are no mean over volumes."""
        self.joins = join_statistics(model, world)
        self._floating = [b for b in model.buffers() if b.is_floating_point()]
        self._load: Callable[[int], tuple[Batch, Share]] | None = None
        self._prepared: list[tuple[Share, Any]] | None = None
        self._seed = self._step = 0

    @property
    def needed(self) -> int:
        """Micro-batches that lack of memory forced; 1 where it never did."""
        return self.accumulate if self.accumulate > self._asked else 1

    def take_up(self, needed: int) -> None:
        """Go on with the micro-batches that were `needed` before."""
        self.accumulate = min(max(self.accumulate, needed), self.largest_share)

    def begin(self, step: int, seed: int, load: Callable[[int], tuple[Batch, Share]]) -> None:
        """Begin a step.

        Args:
            step: Its number, for messages.
            seed: Of all its randomness.
            load: This process's share of the batch of a repeat, on the CPU.
        """
        self._step, self._seed, self._load, self._prepared = step, seed, load, None

    def take(self, player: Player, repeat: int = 0) -> dict[str, float]:
        """Freeze all but the player's weights, minimise its terms, move.

        Returns:
            Terms and gradient norm over the whole batch by `<phase>/<name>`.

        Raises:
            NonFiniteError: One of them is not finite; the weights have not moved.
            OutOfMemoryError: Memory does not suffice for one volume at a time.
        """
        phase = player.phase
        self.model.requires_grad_(False)
        phase.trains.requires_grad_(True)
        start = [buffer.clone() for buffer in self._floating]
        while True:
            status, result = self._attempt(player, repeat, start)
            if status == _DONE:
                break
            player.forget()
            if status == _ASKED:
                self._asking.add(phase.name)
            else:
                self._halve(phase.name)
        assert result is not None
        names, sums, packed = result
        if packed is not None:
            self.world.add_up(packed)
        gradients = [p.grad for p in phase.trains.parameters() if p.grad is not None]
        if player.adam is not None:
            names = [*names, "gradient"]
            sums = torch.cat([sums, torch.nn.utils.get_total_norm(gradients)[None].to(sums)])
        # One transfer for all numbers of the turn, since each waits for the device.
        numbers = sums.tolist()
        keys = (f"{phase.name}/{name}" for name in names)
        values = dict(zip(keys, numbers, strict=True))
        wrong = [key for key, value in values.items() if not math.isfinite(value)]
        if self.world.largest(int(bool(wrong))):
            player.forget()
            what = ", ".join(wrong) or f"{phase.name} in another process"
            raise NonFiniteError(f"{what} not finite at step {self._step}")
        player.move()
        return values

    def _attempt(
        self, player: Player, repeat: int, start: Sequence[Tensor]
    ) -> tuple[int, tuple[list[str], Tensor, Packed | None] | None]:
        """Compute all gradients of the turn; how it ended in the process where it went worst."""
        whole: list[Tensor] | None = None
        if player.phase.name in self._asking:
            own = self._tried(player, lambda: self._own_rows(player, repeat, start))
            if self.world.largest(int(own is None)):
                return _OUT_OF_MEMORY, None
            assert own is not None
            if own:
                packed = Packed(own)
                self.world.add_up(packed)
                whole = own
        result = self._tried(player, lambda: self._gradients(player, repeat, start, whole))
        status = _OUT_OF_MEMORY if result is None else _ASKED if result[0] is None else _DONE
        status = self.world.largest(status)
        if status != _DONE or result is None or result[0] is None:
            return status, None
        return status, (result[0], result[1], result[2])

    def _tried(self, player: Player, compute: Callable[[], ResultT]) -> ResultT | None:
        """What `compute` returns; None where memory ran out and the turn can be taken again."""
        result = unless_out_of_memory(compute)
        if result is None and self.joins:
            error = OutOfMemoryError(
                f"out of memory in the {player.phase.name}'s turn of step {self._step}; batch "
                "normalisation over several processes cannot take a turn again: begin with "
                f"--accumulate {2 * self.accumulate} or more, or with more processes"
            )
            error.others_wait = True
            raise error
        return result

    def _gradients(
        self,
        player: Player,
        repeat: int,
        start: Sequence[Tensor],
        whole: Sequence[Tensor] | None,
    ) -> tuple[list[str] | None, Tensor, Packed | None]:
        """Gradients of this process's shares, ready to be added to the others'.

        Returns:
            Names and weighted sums of the terms, and what the processes have to add up; no names
            where the loss asked for the whole batch's rows and they were not known.
        """
        names: list[str] = []
        sums = torch.zeros(())
        after = [torch.zeros_like(buffer) for buffer in start]
        parts = self._parts(player, repeat)
        for share, batch in parts:
            self._restore(start)
            terms, asked = self._loss(player, repeat, share, batch, whole)
            if asked:
                return None, sums, None
            exact = torch.float64 if torch.float64 in {t.dtype for t in terms.values()} else None
            stacked = torch.stack([t.to(exact or torch.float32) for t in terms.values()])
            if player.adam is not None:
                (stacked.sum() * share.weight).backward()  # type: ignore[no-untyped-call]
            own = stacked.detach() * share.weight
            names, sums = list(terms), own if not names else sums + own
            for total, buffer in zip(after, self._floating, strict=True):
                total.add_(buffer, alpha=share.weight)
        if len(parts) == 1 and self.world.size == 1:
            return names, sums, None
        self._restore(after)
        if self.world.size == 1:
            return names, sums, None
        gradients = [p.grad for p in player.phase.trains.parameters() if p.grad is not None]
        return names, sums, Packed([*gradients, *self._floating, sums])

    def _own_rows(self, player: Player, repeat: int, start: Sequence[Tensor]) -> list[Tensor]:
        """For each call of `whole_batch`, rows of the whole batch with none but the own filled."""
        rows: list[Tensor] = []
        for share, batch in self._parts(player, repeat):
            self._restore(start)
            # With gradients, since some losses hold gradients themselves.
            asked = self._loss(player, repeat, share, batch, None)[1]
            if not rows:
                rows = [own.new_zeros(share.total, *own.shape[1:]) for own in asked]
            for all_rows, own in zip(rows, asked, strict=True):
                all_rows[share.first : share.first + share.count] = own
        return rows

    def _loss(
        self,
        player: Player,
        repeat: int,
        share: Share,
        batch: Any,
        whole: Sequence[Tensor] | None,
    ) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Terms of one share, and the rows for which it wanted the whole batch's."""
        seed = turn_seed(self._seed, player.phase.name, repeat)
        autocast = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bf16"
        )
        with share_of_turn(self.model, share, seed, whole) as turn, autocast:
            terms = dict(player.phase.loss(batch))
        return terms, turn.asked

    def _parts(self, player: Player, repeat: int) -> list[tuple[Share, Any]]:
        """Micro-batches as the model prepares them; all players share those of repeat 0."""
        if repeat == 0 and self._prepared is not None:
            return self._prepared
        assert self._load is not None, "begin comes first"
        batch, share = self._load(repeat)
        if self.joins and self.accumulate > share.total // self.world.size:
            uneven = UsageError(
                f"batch normalisation over {self.world.size} processes needs as many micro-batches "
                f"in each: --accumulate {self.accumulate} is more than the volumes of the least, "
                f"{share.total // self.world.size} of {share.total}"
            )
            raise self.world.common(uneven)
        seed = turn_seed(self._seed, "prepare", player.phase.name, repeat)
        parts = []
        for part in share.cut(self.accumulate):
            rows = slice(part.first - share.first, part.first - share.first + part.count)
            labels = None if batch.labels is None else self._moved(batch.labels[rows])
            # The same draws for every part: r is one for the whole batch.
            torch.manual_seed(seed if repeat else self._seed)
            prepared = self.model.prepare(self._moved(batch.volumes[rows]), labels)
            parts.append((part, prepared))
        if repeat == 0:
            self._prepared = parts
        return parts

    def _moved(self, tensor: Tensor) -> Tensor:
        """On the device; from pinned memory to CUDA it travels while the CPU goes on."""
        # Elsewhere not: only CUDA keeps what is asked of it later behind the copy.
        return tensor.to(self.device, non_blocking=self.device.type == "cuda")

    def _restore(self, values: Sequence[Tensor]) -> None:
        for buffer, value in zip(self._floating, values, strict=True):
            buffer.copy_(value)

    def _halve(self, phase: str) -> None:
        """Micro-batches of half the size from now on."""
        self._prepared = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.accumulate >= self.largest_share:
            error = OutOfMemoryError(
                f"out of memory in the {phase}'s turn of step {self._step} with one volume at a "
                "time; take a recipe of a smaller side, a smaller model.width, --precision bf16 "
                "on CUDA, or a device with more memory"
            )
            raise self.world.common(error)
        self.accumulate = min(2 * self.accumulate, self.largest_share)
        log.warning(
            "out of memory in the %s's turn of step %d; taken again, and from now on, in "
            "%d micro-batches of a process's %d volumes",
            phase,
            self._step,
            self.accumulate,
            self.largest_share,
        )

"""Shares of a step's batch: its cut over processes and micro-batches, and each share's draws.

Whoever computes a share draws what the whole batch draws and keeps its own rows, so that one
process with the whole batch and any cut of it see the same latents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from hagan.models.gan import GAN


@dataclass(frozen=True)
class Share:
    """Volumes `first` up to `first + count` of a step's batch of `total`."""

    first: int
    count: int
    total: int

    @property
    def weight(self) -> float:
        """Share of the batch: what a mean over the share counts in the mean over the batch."""
        return self.count / self.total

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.count == self.total

    def cut(self, parts: int) -> list[Share]:
        """This share in so many parts, as equal as can be; none is empty.

        Args:
            parts: From 1; no more parts are made than there are volumes.
        """
        parts = min(parts, self.count)
        bounds = [self.first + self.count * part // parts for part in range(parts + 1)]
        return [Share(start, stop - start, self.total) for start, stop in pairwise(bounds)]


def turn_seed(seed: int, *names: str | int) -> int:
    """Seed of a part of a step, a function of nothing but the step's seed and the names."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


class ShareOfTurn:
    """A model's `Seat`: what it draws and asks for while it computes the loss of one share."""

    def __init__(self, share: Share, seed: int, whole: Sequence[Tensor] | None) -> None:
        """Describe the share.

        Args:
            share: Whose loss is computed.
            seed: Of the turn, the same for every share.
            whole: Rows of the whole batch for each call of `whole_batch`, in order; none while
                they are not known.
        """
        self.share = share
        self.asked: list[Tensor] = []
        """Rows that `whole_batch` was given, in order, where the whole batch's were not known."""
        self._whole = whole
        self._calls = 0
        self._draws = torch.Generator().manual_seed(seed).get_state()

    def rows(self, draw: Callable[[int], Tensor], count: int) -> Tensor:
        """The share's rows of what `draw` gives for the whole batch.

        Args:
            draw: Draws from torch's global generator, such as the model's own `new_latents`.
            count: How many; a multiple of the share for rows of the whole batch. Anything else
                comes from the share's own random numbers.
        """
        share = self.share
        if count % share.count:
            return draw(count)
        blocks = count // share.count
        outside = torch.get_rng_state()
        torch.set_rng_state(self._draws)
        try:
            whole = draw(blocks * share.total)
        finally:
            self._draws = torch.get_rng_state()
            torch.set_rng_state(outside)
        cut = whole.reshape(blocks, share.total, -1)[:, share.first : share.first + share.count]
        return cut.flatten(0, 1)

    def whole_batch(self, rows: Tensor) -> Tensor:
        """Rows of the whole batch, of which the share's own carry a gradient.

        Their gradient is divided by the share's weight, since the trainer multiplies the share's
        loss by it, and a term of the whole batch is the same in every share.
        """
        share = self.share
        if share.is_whole:
            return rows
        assert len(rows) == share.count, "whole_batch takes one row a volume"
        if self._whole is None:
            self.asked.append(rows.detach())
            return rows
        whole = self._whole[self._calls]
        self._calls += 1
        own: Tensor = _DivideGradient.apply(rows, share.weight)  # type: ignore[no-untyped-call]
        return torch.cat([whole[: share.first], own, whole[share.first + share.count :]])


class _DivideGradient(torch.autograd.Function):
    """The same values; gradients divided by a number."""

    @staticmethod
    def forward(context: Any, rows: Tensor, divisor: float) -> Tensor:
        context.divisor = divisor
        return rows.view_as(rows)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient / context.divisor, None


@contextmanager
def share_of_turn(
    model: GAN[Any], share: Share, seed: int, whole: Sequence[Tensor] | None = None
) -> Iterator[ShareOfTurn]:
    """Let the model draw for a share for as long as the block lasts.

    Latents are the whole batch's rows. All other random numbers differ from share to share, so
    that no two volumes of a batch get the same ones.

    Args:
        model: Its seat is the share's inside the block: what it draws and, for terms that are no
            mean over volumes, what it sees of the whole batch.
        share: Whose loss is computed.
        seed: Of the turn, the same for every share.
        whole: As `ShareOfTurn` takes it.
    """
    turn = ShareOfTurn(share, seed, whole)
    torch.manual_seed(turn_seed(seed, share.first) if share.first else seed)
    assert "seat" not in vars(model), "a share within a share"
    model.seat = turn
    try:
        yield turn
    finally:
        del model.seat

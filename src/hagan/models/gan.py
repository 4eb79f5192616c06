"""The game: one interface for every GAN, which the trainer, the sampler and the tests know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar, final, runtime_checkable

import torch
from torch import Tensor, nn

from hagan.config.adam import AdamConfig
from hagan.types import Labels, Latents, Rows, Scalar, Slabs, Volumes

Terms: TypeAlias = Mapping[str, Scalar]
"""Named terms of a loss; the trainer minimises their sum and logs each."""

BatchT = TypeVar("BatchT")


@dataclass(frozen=True, kw_only=True, eq=False)
class Phase(Generic[BatchT]):
    """One player's turn in a training step: which weights move, and what they minimise."""

    name: str
    """Key of the player's optimiser in checkpoints and of its terms in logs."""
    trains: nn.Module
    """All other weights are frozen for the turn. A module without weights has turns too: its loss
    may look at the batch and keep what it sees in buffers."""
    loss: Callable[[BatchT], Terms]
    """Terms to minimise, from a prepared batch."""
    adam: AdamConfig
    """The player's optimiser."""
    repeats: int = 1
    """Turns in a row (critic steps); each repeat sees a fresh batch."""
    every: int = 1
    """Steps from one turn to the next: it is taken at steps that this divides."""
    rests: Callable[[], bool] | None = None
    """Whether the turn is left out at the step that the model has begun; none where it never is."""

    def __post_init__(self) -> None:
        assert self.repeats >= 1, self.name
        assert self.every >= 1, self.name

    def has_turn(self, step: int) -> bool:
        """Whether the turn is taken at a step, counted from 0."""
        return step % self.every == 0 and not (self.rests is not None and self.rests())


class Seat(Protocol):
    """What of a step's batch a model computes: who draws for it, and who sees the rest."""

    def rows(self, draw: Callable[[int], Rows], count: int) -> Rows:
        """Rows [count, n] that `draw` draws, a row a volume."""
        ...

    def whole_batch(self, rows: Tensor) -> Tensor:
        """Rows of all volumes of the step, given those that the model computes."""
        ...


class Alone:
    """The seat of a model by itself: it draws what it asks for and computes the whole batch."""

    def rows(self, draw: Callable[[int], Rows], count: int) -> Rows:
        """What the model draws."""
        return draw(count)

    def whole_batch(self, rows: Tensor) -> Tensor:
        """The same rows."""
        return rows


class GAN(nn.Module, ABC, Generic[BatchT]):
    """A generator of volumes together with the players that train it."""

    volume_shape: tuple[int, int, int]
    latent_dim: int
    num_classes: int
    generator: nn.Module

    num_conditions: int = 0
    """Covariates that stand in a label behind the class; most models take none."""

    seat: Seat = Alone()
    """Of the class; a trainer that cuts a batch puts another on the model for a share's loss."""

    @abstractmethod
    def phases(self) -> Sequence[Phase[BatchT]]:
        """The players' turns in the order of a step."""

    @abstractmethod
    def prepare(self, real: Volumes, labels: Labels | None) -> BatchT:
        """What the phases need of real volumes: cut, shrunk, with r drawn."""

    @abstractmethod
    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Whole volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z] and labels [b, k]."""

    def generate_slabs(
        self, latents: Latents, labels: Labels | None = None, *, depth: int
    ) -> Iterator[Slabs]:
        """The volumes of `generate` slab by slab, without gradients.

        A model that can, makes each slab when it is asked for, so that the activations of one slab
        are held at a time; others make the whole first.

        Args:
            latents: As `generate` takes them.
            labels: As `generate` takes them.
            depth: Slices of a slab, a multiple of 4; the last slab may have fewer.

        Yields:
            Slabs [b, 1, depth, h, w] in [-1, 1] from the first slice to the last.
        """
        with torch.no_grad():
            volumes = self.generate(latents, labels)
        for start in range(0, volumes.shape[2], depth):
            yield volumes[:, :, start : start + depth]

    def truncated(self, latents: Latents, truncation: float) -> Rows:
        """What `generate` takes as latents for more typical and less varied volumes.

        Args:
            latents: Drawn ones [b, z].
            truncation: From 1, which changes nothing, down to 0, where all volumes are one.
        """
        return truncation * latents

    def slab_bytes(self, depth: int) -> int:
        """About how many bytes `generate_slabs` holds for a slab of one volume, at its peak.

        Beside the weights and what no depth changes; 0 where the whole is made first.
        """
        return 0

    @final
    def whole_batch(self, rows: Tensor) -> Tensor:
        """Rows [n, ...] of all volumes of a step, of which this call computes some.

        Terms that are no mean over volumes take the rows that they need through here. A model by
        itself has the whole batch; a trainer that cut it puts the other shares' rows beside, and
        gradients reach the own rows alone.
        """
        return self.seat.whole_batch(rows)

    def published(self) -> Mapping[str, nn.Module]:
        """Modules that make and encode volumes: the moving average and the weights file hold them.

        Keys are the attribute names under which the model keeps them.
        """
        return {"generator": self.generator}

    def begin_step(self, step: int, progress: float | None = None) -> None:
        """Derive all schedule state from the step; most models have none.

        Args:
            step: Counted from 0.
            progress: Share of the run that is done, from 0 to 1; none where there is no run, and
                the state is then one in which a step costs most.
        """

    def look(self, volumes: Iterator[Volumes]) -> None:
        """See training volumes before the first step of a run; most models need not.

        Args:
            volumes: Batches [b, 1, d, h, w]; each is read when it is asked for.
        """

    def chance_terms(self) -> Mapping[str, float]:
        """D's terms where it tells nothing, by `<phase>/<term>`; none where that has no value.

        Far below them D tells real from generated volumes at every turn.
        """
        return {}

    def costliest_step(self) -> int:
        """A step that takes as much memory as any; the first one, unless the model grows."""
        return 0

    @property
    def label_dim(self) -> int:
        """Entries of a label [b, k]: the class as one-hot, then the covariates."""
        return self.num_classes + self.num_conditions

    @final
    def example_labels(self, count: int) -> Labels | None:
        """Labels [count, k] to measure with, of the first class with covariates at their means."""
        if not self.label_dim:
            return None
        labels = torch.zeros(count, self.label_dim)
        labels[:, : min(self.num_classes, 1)] = 1
        return labels

    @final
    def draw_latents(self, count: int) -> Latents:
        """Latents [count, z] as `new_latents` draws them: of a cut batch the share's own rows."""
        return self.draw_rows(self.new_latents, count)

    @final
    def draw_rows(self, draw: Callable[[int], Rows], count: int) -> Rows:
        """Rows [count, n], one a volume, as `draw` draws them from torch's global CPU generator.

        All that a loss draws for single volumes comes through here, such as mixing weights, noise
        and latents: of a cut batch each share gets its own rows of the whole batch's draw.
        """
        return self.seat.rows(draw, count)

    def new_latents(self, count: int) -> Latents:
        """Z ~ N(0, I) from torch's global CPU generator, on the model's device and in its type."""
        like = next(self.generator.parameters())
        return torch.randn(count, self.latent_dim).to(like)


@runtime_checkable
class Encodes(Protocol):
    """A model that also finds the latent codes of volumes."""

    def encode(self, volumes: Volumes) -> Latents:
        """Latent codes [b, z] of volumes [b, 1, d, h, w]."""
        ...

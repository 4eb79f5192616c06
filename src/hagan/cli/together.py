"""How several processes share the volumes of one command: as torchrun or srun started them.

Volumes are taken in rounds, one a process. After each round every process knows what became of it,
so that the first one can tell and write it down, and a process that died is missed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hagan.training.distributed import World
    from hagan.training.place import Place

ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Company:
    """The processes of a command and this one's place among them; most often it is alone."""

    world: World
    place: Place | None

    def device(self, name: str) -> str:
        """The device of a `--device` flag, of which each process takes its own.

        Raises:
            UsageError: It is not there, or there are fewer GPUs than processes.
        """
        from hagan.cli.train import pick_device
        from hagan.training.distributed import own_device

        return own_device(pick_device(name), self.place)

    def rounds(self, items: Sequence[ItemT]) -> list[Sequence[ItemT]]:
        """Items in rounds of one a process, by rank; the last round may have fewer."""
        size = self.world.size
        return [items[start : start + size] for start in range(0, len(items), size)]

    def own(self, items: Sequence[ItemT]) -> ItemT | None:
        """This process's item of a round, if it has one."""
        return items[self.world.rank] if self.world.rank < len(items) else None


@contextmanager
def company() -> Iterator[Company]:
    """Meet the other processes of this command, if there are any.

    Raises:
        UsageError: The environment is half a place, or the processes did not meet.
    """
    from hagan.training.distributed import open_world, this_place

    place = this_place()
    # Files, features and codes are shared through the CPU, whatever computes them.
    with open_world(place, "cpu") as world:
        yield Company(world, place)

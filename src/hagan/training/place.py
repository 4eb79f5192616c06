"""Which of several processes this one is: under torchrun, under SLURM, or none of both.

Read off the environment alone, so that a command line knows it before anything heavy is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from hagan.errors import UsageError


@dataclass(frozen=True)
class Place:
    """Which of several processes this one is, and where they meet."""

    rank: int
    """From 0; the first one writes."""
    size: int
    local_rank: int
    """Number among the processes of this machine, which picks the GPU."""
    address: str
    port: int


def place_of(environment: Mapping[str, str]) -> Place | None:
    """This process's place, from the variables of torchrun or else of SLURM's srun.

    Returns:
        None for a process on its own.

    Raises:
        UsageError: Variables are missing or not numbers.
    """
    if "RANK" in environment and "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    elif "SLURM_PROCID" in environment and "SLURM_NTASKS" in environment:
        names = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
    else:
        return None
    rank, size = (_number(environment, name) for name in names[:2])
    if size == 1:
        return None
    local_rank = _number(environment, names[2])
    if not 0 <= rank < size:
        raise UsageError(f"{names[0]}={rank} must be from 0 to {names[1]} - 1 = {size - 1}")
    address = environment.get("MASTER_ADDR")
    if address is None or "MASTER_PORT" not in environment:
        raise UsageError(
            f"{names[1]}={size} asks for several processes, but MASTER_ADDR and MASTER_PORT do "
            "not say where they meet; start with torchrun or `hagan submit`, or set both, or "
            f"unset {names[1]} for one process"
        )
    return Place(rank, size, local_rank, address, _number(environment, "MASTER_PORT"))


def this_place() -> Place | None:
    """`place_of` the environment of this process."""
    return place_of(os.environ)


def speaks(environment: Mapping[str, str]) -> bool:
    """Whether this process tells what all of them would tell: it is the first, or on its own."""
    try:
        place = place_of(environment)
    except UsageError:
        return environment.get("RANK", environment.get("SLURM_PROCID", "0")) == "0"
    return place is None or place.rank == 0


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not text.isdecimal():
        raise UsageError(f"the environment's {name}={text!r} must be a number; torchrun sets it")
    return int(text)

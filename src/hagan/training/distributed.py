"""Several processes that train one run: under torchrun, under SLURM, or none of both.

Every process computes its share of each step's batch. Gradients are added up by one explicit
all-reduce a turn, not by DistributedDataParallel: the players of a GAN alternate, each with
weights of its own that the others' turns use frozen. Small agreements (stop, out of memory) and
checkpoints travel on the CPU through gloo, gradients on CUDA through NCCL. One process has no
process group, and the same code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from hagan import errors
from hagan.errors import HaganError, InterruptedRunError, UsageError
from hagan.training.shares import Share

TIMEOUT = timedelta(minutes=15)
"""How long processes wait for one another: to begin, and while the first one saves."""


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
            "not say where they meet; start with torchrun or `hagan submit`, or set both"
        )
    return Place(rank, size, local_rank, address, _number(environment, "MASTER_PORT"))


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not text.isdecimal():
        raise UsageError(f"the environment's {name}={text!r} must be a number; torchrun sets it")
    return int(text)


class Packed:
    """Tensors copied into one flat tensor for each of their types, to travel together."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for tensor in tensors:
            self._groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
        self.flat = [torch.cat([t.flatten() for t in group]) for group in self._groups.values()]

    def unpack(self) -> None:
        """Put the flat tensors' values back into the tensors that they came from."""
        for flat, group in zip(self.flat, self._groups.values(), strict=True):
            pieces = torch.split(flat, [tensor.numel() for tensor in group])
            for tensor, piece in zip(group, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))


class World:
    """The processes of a run; by default this one alone."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, total: int) -> Share:
        """This process's share of a batch of `total` volumes."""
        assert total >= self.size, "every process has a volume"
        return Share(0, total, total).cut(self.size)[self.rank]

    def largest(self, value: int) -> int:
        """The largest of every process's number: they all go on with the same."""
        if self.size == 1:
            return value
        tensor = torch.tensor(value)
        with _peers():
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return int(tensor)

    def add_up(self, packed: Packed) -> None:
        """Replace each tensor by its sum over the processes."""
        if self.size == 1:
            return
        with _peers():
            for flat in packed.flat:
                dist.all_reduce(flat)
        packed.unpack()

    def from_first(self, make: Callable[[], Any]) -> Any:
        """Do something in the first process alone; every one gets its answer, or its error.

        Args:
            make: Returns what JSON can hold.
        """
        if self.size == 1:
            return make()
        if not self.is_first:
            message = json.loads(self._broadcast_bytes(b""))
            if "error" in message:
                raise _error(message["error"], message["text"])
            return message["answer"]
        try:
            answer = make()
        except HaganError as error:
            message = {"error": type(error).__name__, "text": str(error)}
            self._broadcast_bytes(json.dumps(message).encode())
            raise
        self._broadcast_bytes(json.dumps({"answer": answer}).encode())
        return answer

    def tensors_from_first(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The first process's tensors, on the CPU, by name; the others' are not looked at."""
        if self.size == 1:
            return dict(tensors)
        described = self.from_first(
            lambda: [[key, list(t.shape), str(t.dtype)] for key, t in tensors.items()]
        )
        received = {}
        for key, shape, kind in described:
            if self.is_first:
                tensor = tensors[key].detach().cpu().contiguous()
            else:
                tensor = torch.empty(shape, dtype=getattr(torch, kind.removeprefix("torch.")))
            with _peers():
                dist.broadcast(tensor, src=0)
            received[key] = tensor
        return received

    def _broadcast_bytes(self, data: bytes) -> bytes:
        with _peers():
            length = torch.tensor(len(data))
            dist.broadcast(length, src=0)
            buffer = torch.zeros(int(length), dtype=torch.uint8)
            if self.is_first:
                buffer.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
            dist.broadcast(buffer, src=0)
        return bytes(buffer.tolist())


@contextmanager
def open_world(place: Place | None, device: str) -> Iterator[World]:
    """Meet the other processes; a place of none is a process on its own.

    Args:
        place: As `place_of` gives it.
        device: Where this process trains; CUDA takes NCCL for gradients.

    Raises:
        UsageError: The processes did not find one another.
    """
    if place is None:
        yield World()
        return
    backend = "gloo"
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    try:
        dist.init_process_group(
            backend,
            init_method=f"tcp://{place.address}:{place.port}",
            rank=place.rank,
            world_size=place.size,
            timeout=TIMEOUT,
        )
    except RuntimeError as error:
        raise UsageError(
            f"the {place.size} processes did not meet at {place.address}:{place.port} "
            f"({_first_line(error)}); start all of them, on machines that reach that address"
        ) from error
    try:
        yield World(place.rank, place.size)
    finally:
        dist.destroy_process_group()


def device_of(name: str, place: Place | None) -> str:
    """The device of this process: `cuda` becomes the GPU of its number on the machine.

    Raises:
        UsageError: The machine has fewer GPUs than processes.
    """
    if place is None or name != "cuda":
        return name
    count = torch.cuda.device_count()
    # SLURM may show each process its own GPU alone.
    if count > 1 and place.local_rank >= count:
        raise UsageError(
            f"process {place.local_rank} of this machine has no GPU, since there are {count}; "
            "start as many processes as GPUs"
        )
    return f"cuda:{place.local_rank if count > 1 else 0}"


@contextmanager
def _peers() -> Iterator[None]:
    """Say plainly that another process is gone, where torch speaks of sockets.

    Raises:
        InterruptedRunError: A process died or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:
        raise InterruptedRunError(
            f"another process of this run ended or cannot be reached ({_first_line(error)}); see "
            "what it said. The same command goes on from the newest checkpoint"
        ) from error


def _error(name: str, text: str) -> HaganError:
    """The first process's error, or a plain one of its class where that needs more to be made."""
    kind = getattr(errors, name, HaganError)
    assert issubclass(kind, HaganError)
    return HaganError(text) if kind is errors.ScanError else kind(text)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def this_place() -> Place | None:
    """`place_of` the environment of this process."""
    return place_of(os.environ)

"""Several processes that do one thing together: train a run, or make and measure volumes.

In training every process computes its share of each step's batch. Gradients are added up by one
explicit all-reduce a turn, not by DistributedDataParallel: the players of a GAN alternate, each
with weights of its own that the others' turns use frozen. Small agreements (stop, out of memory)
and checkpoints travel on the CPU through gloo, gradients on CUDA through NCCL. One process has no
process group, and the same code.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from hagan import errors
from hagan.errors import HaganError, LostProcessError, UsageError
from hagan.training.packed import Packed
from hagan.training.place import Place, place_of, this_place
from hagan.training.shares import Share

__all__ = [
    "Packed",
    "Place",
    "World",
    "device_of",
    "open_world",
    "own_device",
    "place_of",
    "this_place",
]

log = logging.getLogger(__name__)

TIMEOUT = timedelta(minutes=15)
"""How long processes wait for one another: to begin, and while the first one saves."""

PATIENCE = timedelta(seconds=20)
"""How long a process that is done waits for the others to be."""


class World:
    """The processes of one command; by default this one alone."""

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

    def gathered(self, value: Any) -> list[Any]:
        """Every process's value, by rank.

        Args:
            value: What JSON can hold.
        """
        if self.size == 1:
            return [value]
        data = json.dumps(value).encode()
        length = torch.tensor(len(data))
        lengths = [torch.zeros_like(length) for _ in range(self.size)]
        with _peers():
            dist.all_gather(lengths, length)
            buffer = torch.zeros(max(map(int, lengths)), dtype=torch.uint8)
            buffer[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            buffers = [torch.zeros_like(buffer) for _ in range(self.size)]
            dist.all_gather(buffers, buffer)
        return [
            json.loads(each[: int(count)].numpy().tobytes())
            for each, count in zip(buffers, lengths, strict=True)
        ]

    @contextmanager
    def agreed(self) -> Iterator[None]:
        """All processes come through the block, or all end with one error, which one of them tells.

        What is wrong for all, such as a flag, is told once; what is wrong for one alone, such as a
        disk, ends the others too. Nothing in the block may wait for another process.
        """
        if self.size == 1:
            yield
            return
        error: HaganError | None = None
        try:
            yield
        except HaganError as caught:
            error = caught
        answers = self.gathered(error and [type(error).__name__, str(error)])
        wrong = [rank for rank, answer in enumerate(answers) if answer is not None]
        if not wrong:
            return
        if wrong[0] == self.rank:
            assert error is not None
            raise error
        raise _told_elsewhere(*answers[wrong[0]])

    def common(self, error: HaganError) -> HaganError:
        """An error that every process meets at the same place: the first one is to tell it."""
        error.told_elsewhere = not self.is_first
        return error

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
                raise _told_elsewhere(message["error"], message["text"])
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
        return buffer.numpy().tobytes()


@contextmanager
def open_world(place: Place | None, device: str) -> Iterator[World]:
    """Meet the other processes; a place of none is a process on its own.

    Args:
        place: As `place_of` gives it.
        device: Where tensors are that are added up; CUDA takes NCCL for them. It may be `auto`, and
            need not be there: that is for `device_of` to find.

    Raises:
        UsageError: The processes did not find one another.
    """
    if place is None:
        yield World()
        return
    on_cuda = device.startswith(("cuda", "auto")) and torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if on_cuda else "gloo"
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
    orderly = False
    try:
        yield World(place.rank, place.size)
        orderly = True
    except HaganError as error:
        orderly = not (isinstance(error, LostProcessError) or error.others_wait)
        raise
    finally:
        if orderly:
            _wait_for_all()
        dist.destroy_process_group()


def _wait_for_all() -> None:
    """Let all come to their end before the group is closed, so that none hangs up on another.

    A process whose peer is gone while it still closes its connections may be aborted. One that
    does not come, since it failed in a way of its own, is waited for no longer than PATIENCE.
    """
    try:
        dist.monitored_barrier(timeout=PATIENCE)
    except RuntimeError as error:
        log.debug("left alone: %s", _first_line(error))


def device_of(name: str, place: Place | None) -> str:
    """The device of this process: `cuda` becomes the GPU of its number on the machine.

    Args:
        name: A device that torch knows and that is there.
        place: As `place_of` gives it.

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


def own_device(name: str, place: Place | None) -> str:
    """`device_of`, made the one that torch takes by itself where there are several processes."""
    device = device_of(name, place)
    if place is not None and device.startswith("cuda"):
        torch.cuda.set_device(device)
    return device


@contextmanager
def _peers() -> Iterator[None]:
    """Say plainly that another process is gone, where torch speaks of sockets.

    Raises:
        LostProcessError: A process died or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError(
            f"another process of this run ended or cannot be reached ({_first_line(error)}); see "
            "what it said. The same command goes on from what was saved before"
        ) from error


def _told_elsewhere(name: str, text: str) -> HaganError:
    """Another process's error, which that one tells; a plain one where its class needs more."""
    kind = getattr(errors, name, HaganError)
    assert issubclass(kind, HaganError)
    error = HaganError(text) if kind is errors.ScanError else kind(text)
    # On the object too where a plain one stands for its class.
    error.exit_code = kind.exit_code
    error.told_elsewhere = True
    return error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__

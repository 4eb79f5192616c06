"""The process that measures one cell: it reads a question, writes an answer file, and ends."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from hagan.data.files import write_bytes_atomically
from hagan.errors import OutOfMemoryError
from hagan.experiments.cells import Cell
from hagan.experiments.machine import address_space, resident, resident_peak
from hagan.experiments.stepping import Stepper, parameters_of
from hagan.models.build import build_model
from hagan.training.cost import step_cost
from hagan.training.live_memory import LiveMemory
from hagan.training.out_of_memory import is_out_of_memory

STEPS_OF_MEMORY = 2
"""The first makes Adam's moments, which the second has from its beginning."""


def measure(cell: Cell) -> dict[str, Any]:
    """The answer to a cell in plain values.

    Raises:
        OutOfMemoryError: The batch did not fit at once.
    """
    torch.set_num_threads(cell.threads)
    if cell.kind == "cost":
        return cost(cell)
    return memory(cell) if cell.kind == "memory" else speed(cell)


def cost(cell: Cell) -> dict[str, Any]:
    """What a step is predicted to take, in bytes and operations, and the parameters."""
    found = step_cost(cell.config, device=cell.device)
    # Tensors without numbers: a model that would not fit has parameters too.
    with FakeTensorMode():
        networks = parameters_of(build_model(cell.config.model))
    return {
        "peak": found.peak,
        "states": found.states,
        "saved": found.saved,
        "flops": found.flops,
        "phases": [asdict(phase) for phase in found.phases],
        "parameters": sum(networks.values()),
        "networks": networks,
    }


def memory(cell: Cell) -> dict[str, Any]:
    """Most bytes of a step in which every player has its turn.

    On CUDA the allocator's count of tensors and what it reserved for them; elsewhere the tensors
    that were alive at once and the growth of the process from before the model was built.
    """
    if cell.device == "cuda":
        return _memory_on_cuda(cell)
    before = resident()
    with LiveMemory() as live:
        stepper = Stepper(cell.config, cell.device)
        phases: dict[str, int] = {}

        @contextmanager
        def watched(name: str) -> Iterator[None]:
            with live.part() as part:
                yield
            phases[name] = part.peak

        for _ in range(STEPS_OF_MEMORY):
            stepper.step(stepper.first, watched, everyone=True)
    peak = resident_peak()
    process = None if before is None or peak is None else peak - before
    return {"peak": live.peak, "process": process, "reserved": None, "phases": phases}


def _memory_on_cuda(cell: Cell) -> dict[str, Any]:
    stepper = Stepper(cell.config, cell.device)
    phases: dict[str, int] = {}

    @contextmanager
    def watched(name: str) -> Iterator[None]:
        torch.cuda.reset_peak_memory_stats()
        yield
        phases[name] = torch.cuda.max_memory_allocated()

    for _ in range(STEPS_OF_MEMORY):
        stepper.step(stepper.first, watched, everyone=True)
    # Reserved memory is given back to nobody meanwhile, so that its last size is its largest.
    return {
        "peak": max(phases.values()),
        "process": None,
        "reserved": torch.cuda.memory_reserved(),
        "phases": phases,
    }


def speed(cell: Cell) -> dict[str, Any]:
    """Wall and CPU seconds of each step, and those of each phase in it."""
    stepper = Stepper(cell.config, cell.device)
    now = partial(_now, cell.device)
    wall: list[float] = []
    cpu: list[float] = []
    phases: list[dict[str, float]] = []
    took: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = now()
        yield
        took[name] = now() - began

    first, begun = stepper.first, now()
    for number in range(cell.warm_up):
        stepper.step(first + number, timed)
        # A step that is so slow is not repeated in order to warm up.
        if now() - begun > cell.seconds:
            break
    begun = now()
    while len(wall) < cell.steps and (not wall or now() - begun < cell.seconds):
        took.clear()
        began, worked = now(), time.process_time()
        stepper.step(first + cell.warm_up + len(wall), timed)
        wall.append(now() - began)
        cpu.append(time.process_time() - worked)
        phases.append(dict(took))
    return {"wall": wall, "cpu": cpu, "phases": phases}


def _now(device: str) -> float:
    """The time at which the device has done all that it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def limit_memory(size: int, device: str) -> None:
    """Let an allocation beyond `size` bytes from now on fail, where the system can."""
    if device == "cuda":
        _, total = torch.cuda.mem_get_info()
        torch.cuda.set_per_process_memory_fraction(min(size / total, 1.0))
    elif sys.platform == "linux":
        import resource

        # Of addresses, of which the program itself has many that it never uses.
        most = (address_space() or 0) + size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _end_with_parent() -> None:
    """Wait for the other end of the pipe to close, then end this process at once."""
    # Past the buffer, whose lock the interpreter would ask for at its end.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main(answer: Path) -> int:
    """Be the process that was started; returns the exit code."""
    content = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cell = Cell.of(content["cell"])
    # A prediction is of tensors that take no memory.
    if cell.kind != "cost":
        limit_memory(content["memory"], cell.device)
    try:
        found = measure(cell)
    except (OutOfMemoryError, RuntimeError, MemoryError) as error:
        if isinstance(error, OutOfMemoryError) or is_out_of_memory(error):
            return OutOfMemoryError.exit_code
        raise
    write_bytes_atomically(answer, json.dumps(found).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

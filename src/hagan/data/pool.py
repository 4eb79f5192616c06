"""One function over many tasks in processes; a process that dies costs only its own task."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TypeVar

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

MEMORY_PER_WORKER = 4 * 2**30
"""What a thorax CT of 512 x 512 x 700 needs on its way through, in bytes."""


def run_in_processes(
    function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], workers: int | None = None
) -> Iterator[tuple[TaskT, ResultT | None]]:
    """Call a function on every task.

    Args:
        function: Of a module, so that other processes can find it; what it raises is raised here.
        tasks: Its arguments.
        workers: Processes; 1 stays in this one, None takes one a core as far as the memory reaches.

    Yields:
        Each task and its result as they come; None for a task that killed its process.
    """
    workers = workers or default_workers()
    if workers == 1 or len(tasks) < 2:
        for task in tasks:
            yield task, function(task)
        return
    left = dict(enumerate(tasks))
    with suppress(BrokenProcessPool):
        for number, result in _in_pool(function, left, min(workers, len(tasks))):
            yield left.pop(number), result
    # One death breaks the pool for all, and nothing tells whose it was: the rest goes alone.
    for number, task in left.items():
        try:
            (_, result), *_ = _in_pool(function, {number: task}, 1)
        except BrokenProcessPool:
            yield task, None
        else:
            yield task, result


def _in_pool(
    function: Callable[[TaskT], ResultT], tasks: dict[int, TaskT], workers: int
) -> Iterator[tuple[int, ResultT]]:
    context = multiprocessing.get_context("spawn")  # fork is unsafe once torch has threads
    with ProcessPoolExecutor(workers, context, initializer=_start_worker) as pool:
        futures = {pool.submit(function, task): number for number, task in tasks.items()}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """One thread a worker, and Ctrl-C is the parent's to answer."""
    from threadpoolctl import threadpool_limits

    # For what is loaded later, such as torch where brains are found.
    os.environ["OMP_NUM_THREADS"] = "1"
    threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def default_workers() -> int:
    """One process a core, as far as the memory reaches."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    if os.name != "posix":
        return cores
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // MEMORY_PER_WORKER))

"""Clocks, and variants that take turns so that what disturbs one disturbs all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch

Samples = dict[str, list[float]]
"""Seconds of each repeat, by what was timed."""


@dataclass
class Timing:
    """Seconds, once the block ends."""

    seconds: float = 0.0


class Clock:
    """CPU seconds of the process on one thread, wall seconds on several, events on a GPU."""

    def __init__(self, device: torch.device, threads: int) -> None:
        self.device = device
        self._now = time.process_time if threads == 1 else time.perf_counter
        if device.type == "cuda":
            self.kind = "seconds between CUDA events"
        elif threads == 1:
            self.kind = "CPU seconds of the process, one thread"
        else:
            self.kind = f"wall seconds, {threads} threads"

    @contextmanager
    def timed(self) -> Iterator[Timing]:
        timing = Timing()
        if self.device.type == "cuda":
            before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            torch.cuda.synchronize(self.device)
            before.record()
            yield timing
            after.record()
            after.synchronize()
            timing.seconds = before.elapsed_time(after) / 1000
        else:
            began = self._now()
            yield timing
            timing.seconds = self._now() - began


def interleaved(
    names: Iterable[str],
    run: Callable[[str, int], Mapping[str, float]],
    *,
    repeats: int,
    warm_up: int,
) -> tuple[dict[str, Samples], dict[str, float]]:
    """Variants A B C A B C ..., the first `warm_up` rounds dropped.

    Args:
        names: Of the variants.
        run: Takes one and the round's number, and gives seconds by what was timed.
        repeats: Rounds that count.
        warm_up: Rounds before them.

    Returns:
        Samples of each variant, and the seconds of each one's very first run.
    """
    names = list(names)
    samples: dict[str, Samples] = {name: {} for name in names}
    first: dict[str, float] = {}
    for turn in range(warm_up + repeats):
        for name in names:
            seconds = run(name, turn)
            first.setdefault(name, sum(seconds.values()))
            if turn >= warm_up:
                for what, value in seconds.items():
                    samples[name].setdefault(what, []).append(value)
    return samples, first

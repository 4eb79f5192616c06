"""Batches made ahead of the step that asks for them, by one thread in the background.

Reading a store releases Python's lock for nearly all of its time, so a thread suffices, and there
is nothing to copy between processes.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from torch import Tensor

from hagan.data.batches import Batch
from hagan.training.batch_source import BatchSource, PartialSource

Rows = tuple[int, int]
"""First volume and number of volumes of a part of a batch."""


@dataclass(frozen=True)
class _Request:
    step: int
    repeat: int
    rows: Rows | None
    """None for the whole batch."""


class _Order:
    """What a step asks for, and so the next ones, learned from what was asked."""

    def __init__(self) -> None:
        self.step: int | None = None
        self._asked: list[tuple[int, Rows | None]] = []
        self._before: list[tuple[int, Rows | None]] = []

    def note(self, request: _Request) -> None:
        """Take in what was asked."""
        if request.step != self.step:
            self.step, self._before, self._asked = request.step, self._asked, []
        kind = (request.repeat, request.rows)
        if kind not in self._asked:
            self._asked.append(kind)

    def next(self, count: int) -> list[_Request]:
        """What will be asked for if this step and the next ones go on as the last one did."""
        if self.step is None:
            return []
        begun = len(self._asked)
        # A step that began in another way tells more of the next ones than the one before it.
        step, known = self.step, self._asked
        if self._before[:begun] == self._asked:
            known = self._before
        requests = [_Request(step, *kind) for kind in known[begun:]]
        while len(requests) < count:
            step += 1
            requests += [_Request(step, *kind) for kind in known]
        return requests[:count]


class Prefetched:
    """The batches of a source, equal to it in everything but when they are made.

    At most `ahead` batches wait, and one is being made. The source is only ever used by one thread,
    which begins with the first batch and ends with `close`, or with the block of a ``with``. What
    the source raises reaches the caller who asks for that batch.
    """

    def __init__(self, source: BatchSource, ahead: int = 2, pin: bool = False) -> None:
        """Wrap a source.

        Args:
            source: Batches addressed by step. A part of a batch is cut from the whole where the
                source cannot make it alone.
            ahead: How many batches to make before they are asked for.
            pin: Hand out memory that CUDA copies from without waiting; needs CUDA. A source that
                makes its batches there already saves a copy.
        """
        assert ahead >= 1, "at least one batch ahead"
        self.source = source
        self.ahead = ahead
        self.pin = pin
        self._order = _Order()
        self._made: dict[_Request, Future[Batch]] = {}
        self._astray = False
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hagan-batches")

    def __enter__(self) -> Prefetched:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread."""
        self.close()

    def at(self, step: int, repeat: int = 0) -> Batch:
        """The batch that the source has there.

        Args:
            step: Which batch, from 0.
            repeat: Which batch of the same step.
        """
        return self._take(_Request(step, repeat, None))

    def part(self, step: int, repeat: int, first: int, count: int) -> Batch:
        """The part of a batch that the source has there.

        Args:
            step: Which batch, from 0.
            repeat: Which batch of the same step.
            first: First volume of the part in the batch.
            count: Volumes of the part.
        """
        return self._take(_Request(step, repeat, (first, count)))

    def close(self) -> None:
        """End the thread after the batch that it is making; what waits is let go."""
        self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._made.clear()

    def _take(self, request: _Request) -> Batch:
        assert not self._closed, "a batch was asked for after the end"
        future = self._made.pop(request, None)
        expected = future is not None or self._order.step in (None, request.step)
        # One batch out of order, as a preview takes it, leaves the rest as it is; a second one is
        # a run that went back.
        if expected or self._astray:
            self._order.note(request)
        self._astray = not (expected or self._astray)
        if future is None:
            future = self._before_all_others(request)
        self._make_ahead()
        return future.result()

    def _before_all_others(self, request: _Request) -> Future[Batch]:
        """Have a batch made as soon as the thread is free."""
        waiting = [other for other, future in self._made.items() if future.cancel()]
        future = self._thread.submit(self._make, request)
        for other in waiting:
            self._made[other] = self._thread.submit(self._make, other)
        return future

    def _make_ahead(self) -> None:
        """Have made what is expected next, and nothing else."""
        expected = self._order.next(self.ahead)
        for request in [other for other in self._made if other not in expected]:
            self._made.pop(request).cancel()
        for request in expected:
            if request not in self._made:
                self._made[request] = self._thread.submit(self._make, request)

    def _make(self, request: _Request) -> Batch:
        """One batch; runs in the thread."""
        source = self.source
        if request.rows is None:
            batch = source.at(request.step, request.repeat)
        elif isinstance(source, PartialSource):
            batch = source.part(request.step, request.repeat, *request.rows)
        else:
            batch = source.at(request.step, request.repeat).rows(*request.rows)
        if not self.pin:
            return batch
        labels = None if batch.labels is None else _pinned(batch.labels)
        return Batch(_pinned(batch.volumes), labels)


def _pinned(tensor: Tensor) -> Tensor:
    """The same tensor in pinned memory, itself where it is there or on a device already."""
    return tensor.pin_memory() if tensor.device.type == "cpu" else tensor

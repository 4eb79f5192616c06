"""A queue of one worker for what takes long: bounded, and each answer made once."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hagan.errors import HaganError

_log = logging.getLogger(__name__)

MOST_WAITING = 8
MOST_KEPT = 200

RequestT = TypeVar("RequestT", bound=Hashable)


class BusyError(HaganError):
    """The queue is full."""


@dataclass(eq=False)
class Job(Generic[RequestT]):
    """One request in the queue.

    Attributes:
        id: Opaque.
        request: What is asked for.
        began: When its work began, by the monotonic clock; None while it waits.
        future: Its end.
    """

    id: str
    request: RequestT
    began: float | None = None
    future: Future[str] = field(default_factory=Future)


class Jobs(Generic[RequestT]):
    """Requests that are worked on one after another.

    A request that equals an earlier one, done or not, gets the same job.
    """

    def __init__(self, work: Callable[[RequestT], str], most_waiting: int = MOST_WAITING) -> None:
        """Begin without any.

        Args:
            work: Does one request, in the worker's thread; returns the id of what it made.
            most_waiting: Requests that may be unfinished.
        """
        self._work = work
        self._most_waiting = most_waiting
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
        self._jobs: OrderedDict[str, Job[RequestT]] = OrderedDict()
        self._by_request: dict[RequestT, Job[RequestT]] = {}
        self._lock = threading.Lock()
        self._seconds: float | None = None

    def submit(self, request: RequestT) -> Job[RequestT]:
        """Put a request into the queue, or find the job that it has already.

        Raises:
            BusyError: The queue is full.
        """
        with self._lock:
            known = self._by_request.get(request)
            if known is not None and not _failed(known):
                return known
            unfinished = sum(not job.future.done() for job in self._jobs.values())
            if unfinished >= self._most_waiting:
                raise BusyError(f"{unfinished} volumes are waiting to be made; wait for one")
            job = Job(secrets.token_hex(12), request)
            self._jobs[job.id] = self._by_request[request] = job
            job.future = self._pool.submit(self._run, job)
            self._forget()
            return job

    def get(self, key: str) -> Job[RequestT] | None:
        """A job by its id."""
        with self._lock:
            return self._jobs.get(key)

    def state(self, job: Job[RequestT]) -> dict[str, Any]:
        """How far a job is: `waiting`, `working`, `done` with its result, or `failed` with a line.

        The progress of work is what of the last job's time has passed.
        """
        if job.future.done():
            error = job.future.exception()
            if error is None:
                return {"id": job.id, "state": "done", "progress": 1, "result": job.future.result()}
            return {"id": job.id, "state": "failed", "progress": 0, "error": _told(error)}
        if job.began is None:
            return {"id": job.id, "state": "waiting", "progress": 0, "ahead": self._ahead(job)}
        seconds = time.monotonic() - job.began
        progress = None if self._seconds is None else min(0.95, seconds / max(self._seconds, 0.01))
        return {"id": job.id, "state": "working", "progress": progress, "seconds": seconds}

    def close(self) -> None:
        """Take no more, drop what waits, and let what is being worked on end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, job: Job[RequestT]) -> str:
        job.began = time.monotonic()
        result = self._work(job.request)
        self._seconds = time.monotonic() - job.began
        return result

    def _ahead(self, job: Job[RequestT]) -> int:
        with self._lock:
            order = list(self._jobs.values())
            return sum(not other.future.done() for other in order[: order.index(job)])

    def _forget(self) -> None:
        done = [job for job in self._jobs.values() if job.future.done()]
        for job in done[: max(0, len(self._jobs) - MOST_KEPT)]:
            del self._jobs[job.id]
            if self._by_request.get(job.request) is job:
                del self._by_request[job.request]


def _failed(job: Job[Any]) -> bool:
    return job.future.done() and job.future.exception() is not None


def _told(error: BaseException) -> str:
    """One line for a page; what is no user's error is told in the log."""
    if isinstance(error, HaganError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return "out of memory; a smaller model or a machine with more of it is needed"
    _log.error("a volume could not be made", exc_info=error)
    return f"it failed ({type(error).__name__}); the program's log tells more"

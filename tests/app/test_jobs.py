"""A bounded queue: one worker, no work twice, failures told in a line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from hagan.app.jobs import BusyError, Job, Jobs
from hagan.errors import UsageError


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def finished(jobs: Jobs[int], job: Job[int]) -> dict[str, object]:
    until(lambda: job.future.done())
    return jobs.state(job)


def test_work_is_done_once_and_in_order() -> None:
    seen: list[int] = []

    def work(number: int) -> str:
        seen.append(number)
        return f"made {number}"

    jobs = Jobs(work)
    first, again, other = jobs.submit(1), jobs.submit(1), jobs.submit(2)
    assert first is again
    assert finished(jobs, first)["result"] == "made 1"
    assert finished(jobs, other)["state"] == "done"
    assert jobs.submit(1) is first
    assert seen == [1, 2]
    assert jobs.get(first.id) is first
    assert jobs.get("x") is None
    jobs.close()


def test_a_full_queue_says_so_and_what_waits_knows_its_place() -> None:
    go = threading.Event()

    def work(number: int) -> str:
        go.wait(20)
        return str(number)

    jobs = Jobs(work, most_waiting=3)
    first, second, third = (jobs.submit(number) for number in range(3))
    until(lambda: first.began is not None)
    assert jobs.state(first)["state"] == "working"
    assert jobs.state(second) | {"id": ""} == {
        "id": "", "state": "waiting", "progress": 0, "ahead": 1
    }  # fmt: skip
    assert jobs.state(third)["ahead"] == 2
    with pytest.raises(BusyError, match="3 volumes are waiting"):
        jobs.submit(9)
    go.set()
    assert finished(jobs, third)["state"] == "done"
    jobs.submit(9)
    jobs.close()


def test_failures_are_one_line_and_may_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = [
        UsageError("no such\nclass"),
        MemoryError(),
        KeyError("/secret/path"),
    ]

    def work(number: int) -> str:
        if errors:
            raise errors.pop(0)
        return "made"

    jobs = Jobs(work)
    told = [finished(jobs, jobs.submit(1))["error"] for _ in range(3)]
    assert told[0] == "no such class"
    assert "out of memory" in str(told[1])
    assert "secret" not in str(told[2])
    assert "a volume could not be made" in caplog.text
    assert finished(jobs, jobs.submit(1))["state"] == "done"
    jobs.close()

"""Jobs: real processes of the command line, each done once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hagan.errors import InterruptedRunError
from hagan.experiments.jobs import Job, Jobs


def job(name: str, *command: str, needs: tuple[str, ...] = ()) -> Job:
    return Job(name=name, command=command, needs=needs)


def made(tmp_path: Path, workers: int = 1) -> tuple[Jobs, list[str]]:
    told: list[str] = []
    return Jobs(tmp_path / "jobs", workers=workers, tell=told.append), told


LONG = ("phantom", "thorax", "{out}", "--count", "2000", "--side", "32")
"""A command that takes minutes."""


def long(tmp_path: Path) -> tuple[str, ...]:
    return tuple(word.format(out=tmp_path / "phantoms") for word in LONG)


def test_a_job_is_done_once_and_what_it_said_is_kept(tmp_path: Path) -> None:
    jobs, told = made(tmp_path)
    version = job("group/version", "--version")
    assert jobs.run([version])["group/version"].status == "done"
    assert jobs.log(version).read_text().startswith("hagan ")
    assert len(told) == 2
    again, told = made(tmp_path)
    ended = again.run([version])["group/version"]
    assert (ended.status, ended.seconds > 0, told) == ("done", True, [])


def test_another_command_line_is_another_job(tmp_path: Path) -> None:
    jobs, _ = made(tmp_path)
    jobs.run([job("a", "--version")])
    jobs.run([job("a", "--help")])
    assert jobs.log(job("a")).read_text().count("usage:") == 1


def test_a_failed_job_stops_those_that_need_it_alone(tmp_path: Path) -> None:
    jobs, told = made(tmp_path, workers=2)
    ended = jobs.run(
        [
            job("bad", "info", str(tmp_path / "nothing")),
            job("after", "--version", needs=("bad",)),
            job("later", "--version", needs=("after",)),
            job("other", "--version"),
        ]
    )
    assert {name: one.status for name, one in ended.items()} == {
        "bad": "failed",
        "after": "not started",
        "later": "not started",
        "other": "done",
    }
    assert "nothing" in ended["bad"].why
    assert ended["after"].why == "needs bad, which was not done"
    assert any(line.startswith("bad: failed: hagan: ") for line in told)
    # It is tried again.
    assert jobs.receipt(job("bad", "info", str(tmp_path / "nothing"))) is None


def test_a_job_waits_for_what_it_needs(tmp_path: Path) -> None:
    jobs, told = made(tmp_path, workers=2)
    jobs.run([job("first", "--version"), job("second", "--help", needs=("first",))])
    ends = [line.split(": ")[0] + ("" if "hagan" in line else " ended") for line in told]
    assert ends == ["first", "first ended", "second", "second ended"]


def test_a_job_of_another_process_is_left_to_it(tmp_path: Path) -> None:
    """The lock is held by a real process, as a second call of the command would."""
    jobs, _ = made(tmp_path)
    hold = (
        "import fcntl,sys;f=open(sys.argv[1],'wb');fcntl.flock(f,fcntl.LOCK_EX);"
        "print('held',flush=True);sys.stdin.read()"
    )
    lock = jobs.folder / "shared.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    ask = [job("shared", "--version"), job("next", "--version", needs=("shared",))]
    ended = jobs.run([*ask, job("own", "--version")])
    assert [ended[name].status for name in ("shared", "next", "own")] == [
        "elsewhere",
        "elsewhere",
        "done",
    ]
    other.communicate()
    assert jobs.run(ask)["next"].status == "done"


@pytest.mark.slow
def test_a_signal_asks_the_processes_to_end_and_leaves_no_receipt(tmp_path: Path) -> None:
    jobs, _ = made(tmp_path)
    threading.Timer(6.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    began = time.perf_counter()
    with pytest.raises(InterruptedRunError, match="the same command goes on"):
        jobs.run([job("long", *long(tmp_path)), job("next", "--version")])
    assert time.perf_counter() - began < 50.0
    assert [path.name for path in jobs.folder.glob("*.json")] == []
    assert not alive("hagan.experiments.attached", str(tmp_path))


@pytest.mark.slow
def test_a_job_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys;from pathlib import Path;from hagan.experiments.jobs import Job,Jobs;"
        "Jobs(Path(sys.argv[1])).run([Job(name='long',command=tuple(sys.argv[2:]))])"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "jobs"), *long(tmp_path)]
    )
    wait_for(lambda: alive("hagan.experiments.attached", str(tmp_path)))
    time.sleep(3.0)
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive("hagan.experiments.attached", str(tmp_path)))
    jobs, _ = made(tmp_path)
    assert jobs.receipt(job("long", *long(tmp_path))) is None


def test_a_receipt_that_is_damaged_is_none(tmp_path: Path) -> None:
    jobs, _ = made(tmp_path)
    (jobs.folder / "a.json").write_text("{")
    assert jobs.receipt(job("a", "--version")) is None
    assert jobs.run([job("a", "--version")])["a"].status == "done"


def alive(*words: str) -> bool:
    """Whether a process runs whose command line holds these."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if all(word in line for word in words) and "-c" not in line.split():
            return True
    return False


def wait_for(condition: object, seconds: float = 60.0) -> None:
    until = time.perf_counter() + seconds
    while not condition():  # type: ignore[operator]
        assert time.perf_counter() < until, "in time"
        time.sleep(0.1)

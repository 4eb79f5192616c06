"""Command lines of hagan as jobs: each in a process of its own, each done once, several at a time.

Several processes, on several machines, may work through the same jobs in one folder: a job that
another one holds is left to it. So a SLURM array is the same command many times.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from hagan.data.files import make_folder, write_bytes_atomically
from hagan.errors import InterruptedRunError
from hagan.training.signals import stop_on_signals

POLL = 0.05
"""Seconds between looks at running processes."""

PATIENCE = 60.0
"""Seconds in which a process that was asked to end may save."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command line."""

    name: str
    """Unique in a folder; strokes group them, as in `train/wgan-tiny-32/thorax/fold-0`."""
    command: tuple[str, ...]
    """What follows `hagan`."""
    needs: tuple[str, ...] = ()
    """Jobs that must have been done before."""


Status = Literal["done", "failed", "not started", "elsewhere"]


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    status: Status
    why: str = ""
    """Why it was not done: the last line that it said."""
    seconds: float = 0.0
    """What it took, when it was done."""


@dataclass(eq=False)
class Running:
    """A process and what it is for."""

    job: Job
    process: subprocess.Popen[bytes]
    lock: IO[bytes]
    began: float = field(default_factory=time.perf_counter)


class Jobs:
    """Does jobs and keeps a receipt of each one that was done."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        threads: int = 1,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Set up.

        Args:
            folder: Of receipts, locks and what the jobs say; made.
            workers: Jobs at a time.
            threads: CPU threads of each.
            tell: Hears a line when a job begins and when it ends.

        Raises:
            DiskError: The folder cannot be made.
        """
        self.folder = make_folder(folder)
        self.workers = workers
        self.threads = threads
        self._tell = tell

    def run(self, jobs: Sequence[Job]) -> dict[str, Ended]:
        """Do those that were not done yet, and wait for all that were begun here.

        Each stands behind those that it needs.

        A job that fails is told and leaves out those that need it; the others go on. What failed
        is tried again by the next call.

        Raises:
            InterruptedRunError: A signal; the jobs that ran were asked to save and have ended.
            DiskError: A receipt cannot be written.
        """
        waiting = list(jobs)
        ended: dict[str, Ended] = {}
        running: list[Running] = []
        with stop_on_signals() as stop:
            try:
                while (waiting or running) and not stop:
                    for one in [r for r in running if r.process.poll() is not None]:
                        running.remove(one)
                        ended[one.job.name] = self._ended(one)
                    waiting = [job for job in waiting if not self._taken_up(job, running, ended)]
                    time.sleep(POLL if running else 0.0)
            finally:
                _end(running)
        if stop.signal is not None:
            raise InterruptedRunError(
                f"{stop.signal.name}: {len(ended)} of {len(jobs)} jobs have ended, those that ran "
                "were asked to save; the same command goes on"
            )
        return ended

    def log(self, job: Job) -> Path:
        """What a job says."""
        return self.folder / f"{_flat(job.name)}.log"

    def receipt(self, job: Job) -> Ended | None:
        """How a job was done before; None if it was not, or with another command line."""
        path = self.folder / f"{_flat(job.name)}.json"
        try:
            content = json.loads(path.read_text("utf-8"))
            if tuple(content["command"]) == job.command:
                return Ended("done", seconds=float(content["seconds"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            # A receipt that cannot be read is none: the job is done again.
            return None
        return None

    def _taken_up(self, job: Job, running: list[Running], ended: dict[str, Ended]) -> bool:
        """Start a job, or find that it has ended; false if it has to wait."""
        if not all(need in ended for need in job.needs):
            return False
        lacking = [need for need in job.needs if ended[need].status != "done"]
        if lacking:
            elsewhere = any(ended[need].status == "elsewhere" for need in lacking)
            status: Status = "elsewhere" if elsewhere else "not started"
            ended[job.name] = Ended(status, f"needs {lacking[0]}, which was not done")
            return True
        receipt = self.receipt(job)
        if receipt is None and len(running) >= self.workers:
            return False
        begun = receipt or self._begin(job)
        if isinstance(begun, Running):
            running.append(begun)
        else:
            ended[job.name] = begun
        return True

    def _begin(self, job: Job) -> Running | Ended:
        """Start a job that no other process has done or is at."""
        lock = (self.folder / f"{_flat(job.name)}.lock").open("wb")
        try:
            # The system lets go of it when this process ends, however that is.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return Ended("elsewhere", "another process is at it")
        receipt = self.receipt(job)
        if receipt is not None:
            lock.close()
            return receipt
        self._tell(f"{job.name}: hagan {' '.join(job.command)}")
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        with self.log(job).open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "hagan.experiments.attached", *job.command],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(names, str(self.threads))},
                # Ctrl-C reaches this process alone, which asks the others to end.
                start_new_session=True,
            )
        return Running(job, process, lock)

    def _ended(self, one: Running) -> Ended:
        """Keep a receipt, or find out what went wrong."""
        seconds = time.perf_counter() - one.began
        code = one.process.wait()
        _close(one)
        if code == 0:
            receipt = {"command": one.job.command, "seconds": round(seconds, 2)}
            path = self.folder / f"{_flat(one.job.name)}.json"
            write_bytes_atomically(path, (json.dumps(receipt, indent=1) + "\n").encode())
            self._tell(f"{one.job.name}: done in {seconds:.0f} s")
            one.lock.close()
            return Ended("done", seconds=seconds)
        one.lock.close()
        lines = self.log(one.job).read_text("utf-8", "replace").strip().splitlines()
        why = lines[-1] if lines else f"exit code {code}"
        self._tell(f"{one.job.name}: failed: {why} (see {self.log(one.job)})")
        return Ended("failed", why)


def _flat(name: str) -> str:
    return name.replace("/", "--")


def _close(one: Running) -> None:
    assert one.process.stdin is not None
    try:
        one.process.stdin.close()
    except BrokenPipeError:
        return


def _end(running: Sequence[Running]) -> None:
    """Ask processes to save and end, and end those that do not."""
    for one in running:
        one.process.terminate()
    for one in running:
        try:
            one.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        _close(one)
        one.lock.close()

"""Batches made ahead: the source's, in whatever order they are asked for; a clean end."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from data.test_store import filled
from hagan.data.batches import Batch, Batches
from hagan.data.dataset import VolumeDataset
from hagan.errors import BadInputError
from hagan.training.batch_source import BatchSource, PartialSource
from hagan.training.prefetch import Prefetched

Asked = tuple[int, int, tuple[int, int] | None]


class Recorded:
    """Batches of a real store that keep a record of what was made, and by which thread."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches
        self.made: list[Asked] = []
        self.threads: set[int] = set()

    def at(self, step: int, repeat: int = 0) -> Batch:
        batch = self.batches.at(step, repeat)
        self._note((step, repeat, None))
        return batch

    def part(self, step: int, repeat: int, first: int, count: int) -> Batch:
        batch = self.batches.part(step, repeat, first, count)
        self._note((step, repeat, (first, count)))
        return batch

    def _note(self, asked: Asked) -> None:
        self.threads.add(threading.get_ident())
        self.made.append(asked)


@pytest.fixture
def batches(tmp_path: Path) -> Batches:
    return Batches(VolumeDataset(filled(tmp_path / "s", count=7)), 3, seed=5, mirror=True)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "the thread did not get there"
        time.sleep(0.001)


def settle(source: Recorded) -> list[Asked]:
    """What was made, once nothing more is."""
    length = -1
    while length != len(source.made):
        length = len(source.made)
        time.sleep(0.05)
    return list(source.made)


def take(source: BatchSource, asked: Asked) -> Batch:
    step, repeat, rows = asked
    if rows is None:
        return source.at(step, repeat)
    assert isinstance(source, PartialSource)
    return source.part(step, repeat, *rows)


def our_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("hagan-batches")]


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_any_order_gives_the_source_s_batches(batches: Batches, ahead: int) -> None:
    """Runs of steps, jumps back and on, repeats and parts, at random."""
    rng = random.Random(ahead)
    asked: list[Asked] = []
    while len(asked) < 150:
        step = rng.randrange(12)
        repeats = rng.choice([[0], [0, 1, 2], [1]])
        rows = rng.choice([None, (0, 2), (2, 1)])
        for following in range(rng.randrange(1, 6)):
            asked += [(step + following, repeat, rows) for repeat in repeats]
            if rng.random() < 0.2:
                asked.append((0, 0, None))
    with Prefetched(batches, ahead) as prefetched:
        for item in asked:
            assert torch.equal(take(prefetched, item).volumes, take(batches, item).volumes), item


def test_it_works_ahead_and_no_further(batches: Batches) -> None:
    source = Recorded(batches)
    with Prefetched(source, ahead=2) as prefetched:
        prefetched.at(4)
        wait_until(lambda: len(source.made) == 3)
        assert settle(source) == [(4, 0, None), (5, 0, None), (6, 0, None)]
        prefetched.at(5)
        assert settle(source)[3:] == [(7, 0, None)]
    assert source.threads.isdisjoint({threading.get_ident()})
    assert len(source.threads) == 1


@pytest.mark.slow
def test_it_learns_the_repeats_and_parts_of_a_step(batches: Batches) -> None:
    source = Recorded(batches)
    kinds: list[tuple[int, tuple[int, int] | None]] = [(0, (1, 2)), (1, (1, 2)), (2, (1, 2))]
    asked: list[Asked] = [(step, *kind) for step in range(5) for kind in kinds]
    with Prefetched(source, ahead=2) as prefetched:
        for number, item in enumerate(asked):
            take(prefetched, item)
            made = settle(source)
            if number >= len(kinds):
                assert set(asked[number + 1 : number + 3]) <= set(made)
    # The first step's first batch promises steps of one batch, of which two are made. Apart from
    # these, each is made once, in the order in which it is asked for.
    beyond: list[Asked] = [(5, 0, (1, 2)), (5, 1, (1, 2))]
    assert source.made == [
        *(asked[0], asked[3], asked[6]),
        *(asked[1], asked[4]),
        *(asked[2], asked[5]),
        *asked[6:],
        *beyond,
    ]


def test_a_preview_in_between_costs_one_batch(batches: Batches) -> None:
    source = Recorded(batches)
    with Prefetched(source, ahead=2) as prefetched:
        for step in range(5, 9):
            prefetched.at(step)
        settle(source)
        prefetched.at(0)
        prefetched.at(9)
        made = settle(source)
    assert made == [(step, 0, None) for step in (5, 6, 7, 8, 9, 10, 0, 11)]


def test_what_is_asked_out_of_order_comes_before_what_waits(batches: Batches) -> None:
    source = Recorded(batches)
    release = threading.Event()

    def slow(step: int, repeat: int = 0) -> Batch:
        if step == 21:
            release.wait(10)
        return source.at(step, repeat)

    with Prefetched(SimpleNamespace(at=slow), ahead=4) as prefetched:
        prefetched.at(20)
        threading.Timer(0.05, release.set).start()
        prefetched.at(0)
        made = settle(source)
    assert made == [(step, 0, None) for step in (20, 21, 0, 22, 23, 24)]


def test_after_going_back_it_works_ahead_again(batches: Batches) -> None:
    source = Recorded(batches)
    with Prefetched(source, ahead=2) as prefetched:
        for step in (11, 12, 13, 4, 5):
            prefetched.at(step)
        before = settle(source)
        assert before[-2:] == [(6, 0, None), (7, 0, None)]
        prefetched.at(6)
        assert settle(source) == [*before, (8, 0, None)]


def test_a_turn_taken_again_gets_its_batch_again(batches: Batches) -> None:
    with Prefetched(batches) as prefetched:
        first = prefetched.at(3)
        again = prefetched.at(3)
        assert first is not again
        assert torch.equal(first.volumes, again.volumes)


def test_a_source_that_makes_whole_batches_only_is_cut(batches: Batches) -> None:
    whole = SimpleNamespace(at=batches.at)
    assert not isinstance(whole, PartialSource)
    with Prefetched(whole) as prefetched:
        for step in range(4):
            part = prefetched.part(step, 1, 1, 2)
            assert torch.equal(part.volumes, batches.part(step, 1, 1, 2).volumes)


def test_a_damaged_file_ends_the_step_that_needs_it_and_no_other(batches: Batches) -> None:
    damaged = batches.indices(3)[1]
    before = [step for step in range(3) if damaged not in batches.indices(step)]
    path = batches.dataset.store.path / f"{damaged + 1:04d}.npy"  # type: ignore[attr-defined]
    content = path.read_bytes()
    expected = batches.at(3).volumes
    path.write_bytes(content[:-4])
    with Prefetched(batches, ahead=3) as prefetched:
        for step in before:
            prefetched.at(step)
        for _ in range(2):
            with pytest.raises(BadInputError, match=path.name):
                prefetched.at(3)
        path.write_bytes(content)
        assert torch.equal(prefetched.at(3).volumes, expected)


def test_a_batch_that_was_handed_out_is_not_kept(batches: Batches) -> None:
    with Prefetched(batches, ahead=1) as prefetched:
        kept = weakref.ref(prefetched.at(0).volumes)
        wait_until(lambda: kept() is None)


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_leaves_no_thread_and_no_open_file(batches: Batches, fails: bool) -> None:
    files = Path("/proc/self/fd")
    opened = len(list(files.iterdir())) if files.is_dir() else 0
    before = threading.active_count()
    try:
        with Prefetched(batches, ahead=4) as prefetched:
            prefetched.at(0)
            assert our_threads()
            if fails:
                raise BadInputError("the user of the batches fails")
    except BadInputError:
        assert fails
    assert our_threads() == []
    assert threading.active_count() == before
    assert opened == (len(list(files.iterdir())) if files.is_dir() else 0)
    with pytest.raises(AssertionError, match="after the end"):
        prefetched.at(1)
    prefetched.close()


def test_no_thread_begins_before_a_batch_is_asked_for(batches: Batches) -> None:
    prefetched = Prefetched(batches)
    assert our_threads() == []
    prefetched.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("pinned", [False, True])
def test_batches_come_in_pinned_memory(tmp_path: Path, pinned: bool) -> None:
    dataset = VolumeDataset(filled(tmp_path / "s"))
    source, plain = Batches(dataset, 2, 0, pinned=pinned), Batches(dataset, 2, 0)
    with Prefetched(source, pin=True) as prefetched:
        for step in range(4):
            batch = prefetched.at(step)
            assert batch.volumes.is_pinned()
            assert torch.equal(batch.volumes, plain.at(step).volumes)


PROGRAM = """
import signal, sys, time
# A shell starts what runs in the background with Ctrl-C ignored, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
import torch
from hagan.data.batches import Batch
from hagan.training.prefetch import Prefetched

class Slow:
    def at(self, step, repeat=0):
        time.sleep(0.3)
        return Batch(torch.zeros(1, 1, 2, 2, 2), None)

ending = sys.argv[1]
prefetched = Prefetched(Slow(), ahead=3)
prefetched.at(0)
print("ready", flush=True)
if ending == "forgotten":
    raise SystemExit(7)
with prefetched:
    for step in range(1, 1000):
        prefetched.at(step)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "code"), [("forgotten", 7), (signal.SIGINT, -2), (signal.SIGTERM, -15)]
)
def test_a_process_ends_at_once(ending: str | signal.Signals, code: int) -> None:
    """Interrupted while it waits for a batch, terminated, or ended without closing."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ending)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        began = time.monotonic()
        if isinstance(ending, signal.Signals):
            time.sleep(0.1)
            process.send_signal(ending)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == code, errors
        assert time.monotonic() - began < 5
    finally:
        process.kill()
        process.communicate()

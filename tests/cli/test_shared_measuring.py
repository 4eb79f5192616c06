"""Several processes measure into one cache; the first judges as it would alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.together import content, hagan
from evaluation.made import write_foreign
from hagan.cli import main
from hagan.cli.evaluate import Evaluate
from hagan.cli.shared_measuring import measure_together, shared_cache
from hagan.config.evaluation import EvaluationConfig
from hagan.data.store import Store
from hagan.errors import DiskError
from hagan.evaluation.bench import Instruments
from hagan.evaluation.comparison import Sides, compare
from hagan.evaluation.measuring import Cache
from hagan.evaluation.sets import ArraySet
from hagan.training.distributed import World

QUICK = ("--extractors", "random-resnet10", "--resamples", "5", "--count", "3")


class Rank(World):
    """One of two processes whose other one agrees with everything."""

    def __init__(self, rank: int) -> None:
        super().__init__(rank, 2)

    def gathered(self, value: Any) -> list[Any]:
        return [value] * 2

    def from_first(self, make: Callable[[], Any]) -> Any:
        return make()


def sides() -> Sides:
    rng = np.random.default_rng(0)
    made = list(rng.uniform(-1, 1, (15, 16, 16, 16)).astype(np.float32))
    sets = [ArraySet(name, made[5 * k : 5 * k + 5]) for k, name in enumerate("abc")]
    return Sides(sets[:1], sets[1], sets[2], train_is_known=True)


class Counting:
    """A measure that counts how often it is asked."""

    name = "counting"

    def __init__(self) -> None:
        self.definition = {"version": 1}
        self.calls = 0

    def __call__(self, volume: Any) -> Any:
        self.calls += 1
        return np.array([float(volume.mean()), float(volume.std())])


@pytest.mark.slow
def test_two_shares_leave_nothing_to_measure_and_overlap_in_nothing(tmp_path: Path) -> None:
    config = EvaluationConfig(resamples=0)
    measure = Counting()
    instruments = Instruments([measure], None, Cache(tmp_path))
    ticks: list[int] = []
    for rank in range(2):
        measure_together(
            *(sides(), instruments, config, Rank(rank)),
            on_begin=lambda name, count: ticks.append(-count),
            on_progress=lambda: ticks.append(1),
        )
    assert sum(ticks) == 0
    by_two = measure.calls
    facts = {"resampling": "none", "window": "-1 to 1", "grid": "16", "preset": "hagan"}
    found = compare(sides(), instruments, config, facts)
    assert measure.calls == by_two
    alone = Counting()
    expected = compare(sides(), Instruments([alone], None, Cache(tmp_path / "own")), config, facts)
    assert by_two == alone.calls
    assert [row.scores for row in found.rows] == [row.scores for row in expected.rows]


def test_a_kept_cache_and_a_lone_process_stay_as_they_are(tmp_path: Path) -> None:
    flags = Evaluate(out=tmp_path / "out")
    with shared_cache(flags, Rank(0)) as given:
        assert given is flags
    lone = Evaluate(out=tmp_path / "out", keep=False)
    with shared_cache(lone, World()) as given:
        assert given is lone
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_is_not_kept_is_there_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    flags = Evaluate(out=tmp_path / "new" / "out", keep=False)

    def use() -> None:
        with shared_cache(flags, Rank(0)) as given:
            assert given.keep
            assert given.cache is not None
            assert given.cache.parent == tmp_path / "new"
            (given.cache / "a").mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("x")
    wrong = Evaluate(out=tmp_path / "file" / "out", keep=False)
    with pytest.raises(DiskError), shared_cache(wrong, Rank(0)):
        pass


@pytest.mark.long
@pytest.mark.slow
def test_two_processes_write_the_results_of_one(run: Path, store: Store, tmp_path: Path) -> None:
    """A run against its store, every file but the command that the reports quote."""
    out, cache = tmp_path / "out", tmp_path / "cache"
    arguments = ["evaluate", run, "--real", store.path, "--out", out, *QUICK]
    results = []
    for flags in (["--cache", cache], ["--no-use-cache"]):
        ended = hagan(*arguments, *flags)
        assert [process.returncode for process in ended] == [0, 0], ended
        assert "wrote" in ended[0].stdout
        assert (ended[1].stdout, ended[1].stderr) == ("", "")
        results.append(judged(out))
        assert {path.name for path in tmp_path.iterdir()} <= {"out", "cache"}
    assert len(list(cache.rglob("*.npy"))) > 20
    assert main.run([*map(str, arguments), "--no-use-cache"]) == 0
    assert results == [judged(out)] * 2


def judged(out: Path) -> dict[str, bytes]:
    """What an evaluation leaves, but for the files that quote its command."""
    quoting = ("report.html", "results.json", "results.md")
    return {name: data for name, data in content(out).items() if name not in quoting}


@pytest.mark.slow
def test_what_cannot_be_judged_is_told_once(tmp_path: Path) -> None:
    real = write_foreign(tmp_path / "real", range(4))
    one = write_foreign(tmp_path / "one", range(1))
    ended = hagan("evaluate", one, "--real", real, "--out", tmp_path / "out", *QUICK)
    assert [process.returncode for process in ended] == [3, 3]
    assert "one has 1 volume" in ended[0].stderr
    assert [process.stderr.count("\n") for process in ended] == [1, 0]

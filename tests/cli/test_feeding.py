"""Which way batches come: the choice, what it refuses, and that no result depends on it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from cli.test_train import made_once, quick, store
from data.test_store import filled
from hagan.cli import feeding as feeding_module
from hagan.cli.feeding import RESIDENT_SHARE, batches_ahead, choose_to_hold, feeding, holds_scans
from hagan.cli.submit import Submit
from hagan.config.run_dir import RunDir
from hagan.config.training import TrainingConfig
from hagan.data.batches import Batches
from hagan.data.dataset import VolumeDataset
from hagan.data.resident import ResidentDataset, resident_bytes
from hagan.errors import BadInputError, OutOfMemoryError, UsageError
from hagan.training.prefetch import Prefetched

__all__ = ["made_once", "store"]


@pytest.mark.parametrize(
    ("resident", "kind", "needed", "free", "held"),
    [
        ("auto", "cuda", 25, 100, True),
        ("auto", "cuda", 26, 100, False),
        ("auto", "cuda", 1, None, False),
        ("auto", "cpu", 1, 100, False),
        ("auto", "mps", 1, 100, False),
        ("always", "cpu", 200, 100, True),
        ("always", "cuda", 26, 100, True),
        ("never", "cuda", 1, 100, False),
    ],
)
def test_auto_holds_scans_on_a_gpu_that_has_room_for_training_too(
    resident: feeding_module.Resident, kind: str, needed: int, free: int | None, held: bool
) -> None:
    assert RESIDENT_SHARE == 0.25
    assert holds_scans(resident, kind, needed, free) is held


def test_a_gpu_has_batches_read_ahead_and_a_cpu_only_when_told() -> None:
    assert [batches_ahead(None, kind) for kind in ("cpu", "cuda", "mps")] == [0, 2, 2]
    assert [batches_ahead(number, "cuda") for number in (0, 1, 7)] == [0, 1, 7]
    assert batches_ahead(3, "cpu") == 3


@pytest.fixture
def dataset(tmp_path: Path) -> VolumeDataset:
    return VolumeDataset(filled(tmp_path / "s", count=5))


TRAINING = TrainingConfig(steps=3, batch_size=3, seed=4, mirror=True)


@pytest.mark.parametrize(("held", "prefetch"), [(False, 0), (False, 1), (False, 3), (True, 2)])
def test_every_way_gives_the_batches_of_the_training_s_seed(
    dataset: VolumeDataset, held: bool, prefetch: int
) -> None:
    plain = Batches(dataset, 3, 4, mirror=True)
    before = threading.active_count()
    with feeding(dataset, TRAINING, "cpu", held=held, prefetch=prefetch) as batches:
        assert isinstance(batches, Prefetched) is (prefetch > 0 and not held)
        if isinstance(batches, Batches):
            assert isinstance(batches.dataset, ResidentDataset) is held
        for step in range(4):
            assert torch.equal(batches.at(step).volumes, plain.at(step).volumes)
    assert threading.active_count() == before


def fail(dataset: VolumeDataset) -> None:
    with feeding(dataset, TRAINING, "cpu", held=False, prefetch=2) as batches:
        batches.at(0)
        raise BadInputError("something else")


def test_a_failure_in_training_ends_the_thread(dataset: VolumeDataset) -> None:
    before = threading.active_count()
    with pytest.raises(BadInputError, match="something else"):
        fail(dataset)
    assert threading.active_count() == before


def test_what_does_not_fit_is_refused_before_a_run_is_begun(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 6 * 32**3 * 2 - 1
    monkeypatch.setattr(feeding_module, "free_memory", lambda device: free)
    with pytest.raises(OutOfMemoryError, match=r"6 scans of .* need 0\.39 MB .* --resident never"):
        quick(store, tmp_path / "run", "--resident", "always").run()
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(feeding_module, "free_memory", lambda device: free + 1)
    assert quick(store, tmp_path / "run", "--resident", "always", steps=1).run() == 0


class Many:
    """As many scans as no machine holds."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count


def test_this_machine_s_free_memory_is_what_counts(dataset: VolumeDataset) -> None:
    assert choose_to_hold(dataset, "cpu", "always") is True
    assert choose_to_hold(dataset, "cpu", "auto") is False
    dataset.entries = Many(2**40)  # type: ignore[assignment]
    assert resident_bytes(dataset) == 1440 * 2**40
    with pytest.raises(OutOfMemoryError, match="GB are free"):
        choose_to_hold(dataset, "cpu", "always")
    assert choose_to_hold(dataset, "cpu", "never") is False


@pytest.mark.slow
def test_no_result_depends_on_the_way(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = {
        "plain": ("--prefetch", "0"),
        "ahead": ("--prefetch", "3"),
        "held": ("--resident", "always"),
    }
    for name, flags in ways.items():
        assert quick(store, tmp_path / name, *flags, steps=3).run() == 0
        assert ("which holds all scans" in capsys.readouterr().out) is (name == "held")
    plain = RunDir(tmp_path / "plain").weights.read_bytes()
    for name in ("ahead", "held"):
        assert RunDir(tmp_path / name).weights.read_bytes() == plain


@pytest.mark.slow
def test_training_reads_as_many_batches_ahead_as_it_is_told(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aheads: list[int] = []

    class Noted(Prefetched):
        def __init__(self, source: Batches, ahead: int = 2, pin: bool = False) -> None:
            aheads.append(ahead)
            super().__init__(source, ahead, pin)

    monkeypatch.setattr(feeding_module, "Prefetched", Noted)
    for flags in [(), ("--prefetch", "5"), ("--prefetch", "0"), ("--resident", "always")]:
        quick(store, tmp_path / f"run{''.join(flags)}", *flags, steps=1).run()
    assert aheads == [5]


@pytest.mark.slow
def test_a_run_goes_on_in_another_way(store: Path, tmp_path: Path) -> None:
    quick(store, tmp_path / "whole", "--prefetch", "0", steps=3).run()
    quick(store, tmp_path / "halves", "--resident", "always", "--until", "0.3", steps=3).run()
    quick(store, tmp_path / "halves", "--prefetch", "1", "--until", "0.6", steps=3).run()
    quick(store, tmp_path / "halves", steps=3).run()
    whole, halves = (RunDir(tmp_path / name).weights for name in ("whole", "halves"))
    assert halves.read_bytes() == whole.read_bytes()


def test_a_scan_that_is_damaged_ends_training_with_its_name(store: Path, tmp_path: Path) -> None:
    for path in store.glob("*.npy"):
        path.write_bytes(path.read_bytes()[:-1])
    for number, flags in enumerate([("--prefetch", "2"), ("--resident", "always")]):
        with pytest.raises(BadInputError, match=r"000\d\.npy: the file is cut short"):
            quick(store, tmp_path / f"run-{number}", *flags).run()
    assert not [t for t in threading.enumerate() if t.name.startswith("hagan-batches")]


def test_a_negative_number_is_refused_by_training_and_by_submitting(
    store: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--prefetch -1 must be 0 or more"):
        quick(store, tmp_path / "run", "--prefetch", "-1").run()
    job = Submit(
        recipe="hagan-tiny-32", store=store, folder=tmp_path / "run", train="--prefetch -1"
    )
    with pytest.raises(UsageError, match="--prefetch -1"):
        job.command()
    assert not (tmp_path / "run").exists()


def test_submitting_hands_the_flags_on(store: Path, tmp_path: Path) -> None:
    flags = "--prefetch 4 --resident never"
    job = Submit(recipe="hagan-tiny-32", store=store, folder=tmp_path / "run", train=flags)
    command = job.command()
    assert (command.prefetch, command.resident) == (4, "never")
    assert flags in job.script(command, command.run_dir())

"""Volumes are shared out in rounds: each to one process, in order, none left out."""

from __future__ import annotations

import pytest

from hagan.cli.together import Company, company
from hagan.errors import UsageError
from hagan.training.distributed import World
from hagan.training.place import Place


@pytest.mark.parametrize("count", [0, 1, 5, 6])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_item_is_one_processs(count: int, size: int) -> None:
    companies = [Company(World(rank, size), None) for rank in range(size)]
    taken: dict[int, list[int]] = {rank: [] for rank in range(size)}
    for number in range(len(companies[0].rounds(range(count)))):
        for rank, each in enumerate(companies):
            item = each.own(each.rounds(range(count))[number])
            if item is not None:
                taken[rank].append(item)
    assert taken == {rank: list(range(rank, count, size)) for rank in range(size)}


def test_by_default_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    with company() as together:
        assert (together.world.size, together.place) == (1, None)
        assert together.device("cpu") == "cpu"
        with pytest.raises(UsageError, match="cuda:99"):
            together.device("cuda:99")


def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr("hagan.cli.train.pick_device", lambda name: name)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.set_device", taken.append)
    second = Company(World(5, 8), Place(5, 8, 1, "a", 1))
    assert second.device("cuda") == "cuda:1"
    assert taken == ["cuda:1"]
    assert second.device("cpu") == "cpu"
    assert taken == ["cuda:1"]


def test_half_a_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_LOCALID", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UsageError, match="unset SLURM_NTASKS for one process"), company():
        pass

"""Processes meet, add up, and share one answer or one error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed as dist

from hagan.errors import BadInputError, HaganError, ScanError, UsageError
from hagan.training.distributed import (
    Packed,
    Place,
    World,
    device_of,
    open_world,
    this_place,
)
from training.processes import launch


def test_one_process_has_no_process_group() -> None:
    with open_world(None, "cpu") as world:
        assert (world.rank, world.size, world.is_first) == (0, 1, True)
        assert not dist.is_initialized()
        assert world.share(5).is_whole
        assert world.largest(3) == 3
        assert world.from_first(lambda: "answer") == "answer"
        assert world.gathered("answer") == ["answer"]
        with pytest.raises(UsageError) as caught, world.agreed():
            raise UsageError("x")
        assert not caught.value.told_elsewhere
        assert not world.common(caught.value).told_elsewhere


def test_shares_of_all_processes_are_the_batch() -> None:
    shares = [World(rank, 3).share(7) for rank in range(3)]
    assert [(share.first, share.count) for share in shares] == [(0, 2), (2, 2), (4, 3)]


def test_packed_tensors_come_back_in_their_shapes_and_types() -> None:
    tensors = [torch.arange(6.0).view(2, 3), torch.ones(4).double(), torch.tensor(7.0)]
    packed = Packed(tensors)
    assert sorted(flat.numel() for flat in packed.flat) == [4, 7]
    for flat in packed.flat:
        flat.mul_(2)
    packed.unpack()
    assert torch.equal(tensors[0], torch.arange(6.0).view(2, 3) * 2)
    assert torch.equal(tensors[1], torch.full((4,), 2.0).double())
    assert tensors[2].item() == 14.0


def test_a_named_device_stays_and_cuda_becomes_the_gpu_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = Place(5, 8, 1, "a", 1)
    assert device_of("cuda", None) == "cuda"
    assert device_of("cpu", second) == "cpu"
    assert device_of("cuda:3", second) == "cuda:3"
    for count, device in ((4, "cuda:1"), (1, "cuda:0")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert device_of("cuda", second) == device
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match="there are 2; start as many processes as GPUs"):
        device_of("cuda", Place(2, 8, 2, "a", 1))


def meet(out: Path) -> None:
    """What each of three processes does in the test below."""
    told: dict[str, object] = {}
    with open_world(this_place(), "cpu") as world:
        told["largest"] = world.largest(10 * world.rank)
        tensors = [torch.full((2, 2), float(world.rank)), torch.ones(3).double()]
        world.add_up(Packed(tensors))
        told["sums"] = [t.flatten().tolist() for t in tensors]
        told["answer"] = world.from_first(lambda: {"rank": world.rank, "none": None})
        mine = {"a": torch.eye(2).bfloat16() * 0.3, "b": torch.tensor(5)} if world.is_first else {}
        tensors_by_name = world.tensors_from_first(mine)
        told["tensors"] = {name: [str(t.dtype), t.tolist()] for name, t in tensors_by_name.items()}

        def fail() -> None:
            raise BadInputError("a file: damaged")

        try:
            world.from_first(fail)
        except HaganError as error:
            told["error"] = [type(error).__name__, str(error)]
        told["gathered"] = world.gathered(["x" * (1000 * world.rank), None, 0.1])
        with world.agreed():
            told["passed"] = True
        told["ends"] = []
        for wrong in ([1], [2, 1], [0, 1, 2]):
            try:
                with world.agreed():
                    if world.rank in wrong:
                        raise ScanError("E101", f"told by {world.rank}")
            except HaganError as error:
                said = [str(error), error.exit_code, error.told_elsewhere]
                told["ends"].append(world.gathered(said))  # type: ignore[attr-defined]
        common = world.common(HaganError("x"))
        told["speakers"] = world.gathered(not common.told_elsewhere)
    out.write_text(json.dumps(told))


@pytest.mark.slow
def test_three_processes_agree_on_everything(tmp_path: Path) -> None:
    outs = [tmp_path / f"{rank}.json" for rank in range(3)]
    ended = launch([[sys.executable, __file__, str(out)] for out in outs])
    assert [process.returncode for process in ended] == [0, 0, 0], ended
    told = [json.loads(out.read_text()) for out in outs]
    assert told[0] == told[1] == told[2]
    assert told[0]["largest"] == 20
    assert told[0]["sums"] == [[3.0] * 4, [3.0] * 3]
    assert told[0]["answer"] == {"rank": 0, "none": None}
    third = torch.tensor(0.3).bfloat16().item()
    assert told[0]["tensors"] == {
        "a": ["torch.bfloat16", [[third, 0.0], [0.0, third]]],
        "b": ["torch.int64", 5],
    }
    assert told[0]["error"] == ["BadInputError", "a file: damaged"]
    assert told[0]["gathered"] == [["x" * (1000 * rank), None, 0.1] for rank in range(3)]
    assert told[0]["passed"] is True
    assert told[0]["ends"] == [
        [[f"E101 told by {teller}", 3, rank != teller] for rank in range(3)] for teller in (1, 1, 0)
    ]
    assert told[0]["speakers"] == [True, False, False]


if __name__ == "__main__":
    meet(Path(sys.argv[1]))

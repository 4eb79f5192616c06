"""Scans held in memory give the batches that the files give, bit for bit."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from data.test_store import filled
from hagan.data.batches import Batch, Batches, Dataset
from hagan.data.dataset import VolumeDataset
from hagan.data.resident import ResidentDataset, check_room, resident_bytes
from hagan.errors import BadInputError, OutOfMemoryError

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
    ),
]


@pytest.fixture
def dataset(tmp_path: Path) -> VolumeDataset:
    store = filled(tmp_path / "s", count=5)
    labelled = [dataclasses.replace(item, label=int(item.id) % 3) for item in store.entries]
    return VolumeDataset(store.with_entries(labelled, ("a", "b", "c")))


def same(first: Batch, second: Batch) -> bool:
    assert first.labels is not None
    assert second.labels is not None
    return torch.equal(first.volumes.cpu(), second.volumes.cpu()) and torch.equal(
        first.labels.cpu(), second.labels.cpu()
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mirror", [False, True])
def test_batches_and_parts_equal_those_of_the_files(
    dataset: VolumeDataset, mirror: bool, device: str
) -> None:
    files = Batches(dataset, 3, 1, mirror=mirror)
    held = Batches(ResidentDataset(dataset, device), 3, 1, mirror=mirror)
    for step, repeat in [(0, 0), (1, 0), (1, 2), (40, 0), (0, 0)]:
        assert held.at(step, repeat).volumes.device.type == device
        assert same(held.at(step, repeat), files.at(step, repeat))
        assert same(held.part(step, repeat, 1, 2), files.part(step, repeat, 1, 2))


def test_nothing_is_read_any_more(dataset: VolumeDataset) -> None:
    files, held = Batches(dataset, 4, 0), Batches(ResidentDataset(dataset, "cpu"), 4, 0)
    expected = files.at(3)
    shutil.rmtree(dataset.store.path)
    assert same(held.at(3), expected)
    with pytest.raises(BadInputError):
        files.at(3)


def test_a_batch_can_be_changed_without_harm(dataset: VolumeDataset) -> None:
    held = Batches(ResidentDataset(dataset, "cpu"), 2, 0)
    before = held.at(0).volumes.clone()
    held.at(0).volumes.zero_()
    assert torch.equal(held.at(0).volumes, before)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_table_of_other_devices_gives_what_the_cpu_computes(
    dataset: VolumeDataset, mirrored: bool
) -> None:
    """The route of a GPU, taken on the CPU, where it can be compared without one."""
    held = ResidentDataset(dataset, "cpu")
    for index in range(len(held)):
        computed, looked_up = torch.empty(2, *dataset.volume(0).shape)
        held.read_into(index, computed, mirrored=mirrored)
        held._look_up(held._voxels[index], looked_up, mirrored)
        assert torch.equal(computed, looked_up)
    every = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
    out = torch.empty(every.shape)
    held._look_up(every, out, False)
    assert torch.equal(out, every.float() / 32767)


def test_it_is_a_dataset_with_the_part_s_size_and_classes(dataset: VolumeDataset) -> None:
    held = ResidentDataset(dataset, "cpu")
    assert isinstance(held, Dataset)
    assert isinstance(dataset, Dataset)
    assert (len(held), held.num_classes, held.volume_shape) == (5, 3, (8, 9, 10))


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    held = ResidentDataset(VolumeDataset(filled(tmp_path / "s")), "cpu")
    assert Batches(held, 2, 0).at(0).labels is None


def test_only_the_part_is_held(dataset: VolumeDataset) -> None:
    assert resident_bytes(dataset) == 5 * 8 * 9 * 10 * 2
    held = ResidentDataset(dataset, "cpu")
    assert held._voxels.untyped_storage().nbytes() == resident_bytes(dataset)


def test_what_does_not_fit_is_refused_with_both_sizes(dataset: VolumeDataset) -> None:
    needed = resident_bytes(dataset)
    check_room(dataset, "cpu", needed)
    check_room(dataset, "cpu", None)
    with pytest.raises(OutOfMemoryError) as caught:
        check_room(dataset, "cuda:0", needed - 1)
    assert str(caught.value) == (
        f"the 5 scans of {dataset.store.path} need 0.01 MB of memory on cuda:0, and 0.01 MB are "
        "free; read them as they are needed, with --resident never"
    )


def test_an_allocator_that_has_no_more_ends_in_the_same_line(dataset: VolumeDataset) -> None:
    """A volume shape beyond any machine, which the real allocator refuses."""
    store = dataset.store
    store.config = dataclasses.replace(store.config, volume_shape=(2**15, 2**15, 2**15))
    with pytest.raises(OutOfMemoryError, match=r"need 351843\.72 GB of memory on cpu, and it does"):
        ResidentDataset(dataset, "cpu")


def test_a_damaged_file_is_named(dataset: VolumeDataset) -> None:
    path = dataset.store.path / "0003.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInputError, match=r"0003\.npy"):
        ResidentDataset(dataset, "cpu")


@pytest.mark.parametrize("device", DEVICES)
def test_covariates_and_their_noise_are_those_of_the_files(
    dataset: VolumeDataset, device: str
) -> None:
    aged = dataset.store.with_entries(
        [dataclasses.replace(e, covariates={"age": 7.0 * int(e.id)}) for e in dataset.entries]
    )
    files = VolumeDataset(aged, only_labelled=True, conditions=("age",))
    held = ResidentDataset(files, device)
    assert held.num_conditions == 1
    for step in range(3):
        assert same(Batches(held, 4, 0).at(step), Batches(files, 4, 0).at(step))
    # Noise is added to a copy.
    kept = held.labels([0, 1, 2, 3, 4])
    assert kept is not None
    assert torch.equal(kept.cpu(), files.labels([0, 1, 2, 3, 4]))  # type: ignore[arg-type]

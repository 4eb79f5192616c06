from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
import torch

from data.test_store import filled
from hagan.data.batches import Batches, noise_spread
from hagan.data.dataset import VolumeDataset


@pytest.fixture
def dataset(tmp_path: Path) -> VolumeDataset:
    store = filled(tmp_path / "s", count=7)
    labelled = [dataclasses.replace(item, label=int(item.id) % 3) for item in store.entries]
    return VolumeDataset(store.with_entries(labelled, ("a", "b", "c")))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 10, 20])
def test_every_pass_shows_every_scan_once(dataset: VolumeDataset, batch_size: int) -> None:
    batches = Batches(dataset, batch_size, seed=0)
    shown = [index for step in range(7 * 3) for index in batches.indices(step)]
    for start in range(0, len(shown) - 6, 7):
        assert sorted(shown[start : start + 7]) == list(range(7))
    assert len(Counter(tuple(shown[i : i + 7]) for i in range(0, len(shown) - 6, 7))) > 1


def test_a_batch_depends_on_its_step_alone(dataset: VolumeDataset) -> None:
    first, second = Batches(dataset, 3, 5, mirror=True), Batches(dataset, 3, 5, mirror=True)
    forward = [first.at(step) for step in range(6)]
    backward = [second.at(step) for step in reversed(range(6))][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert torch.equal(a.volumes, b.volumes)
        assert a.labels is not None
        assert b.labels is not None
        assert torch.equal(a.labels, b.labels)


@pytest.mark.parametrize("first", [0, 2, 4])
def test_a_part_is_the_rows_of_its_batch_and_reads_no_others(
    dataset: VolumeDataset, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Batches(dataset, 5, 3, mirror=True)
    whole = batches.at(7, 1)
    read: list[int] = []
    read_into = dataset.read_into

    def recorded(index: int, out: torch.Tensor, *, mirrored: bool = False) -> None:
        read.append(index)
        read_into(index, out, mirrored=mirrored)

    monkeypatch.setattr(dataset, "read_into", recorded)
    count = min(2, 5 - first)
    part, cut = batches.part(7, 1, first, count), whole.rows(first, count)
    assert torch.equal(part.volumes, cut.volumes)
    assert part.labels is not None
    assert cut.labels is not None
    assert torch.equal(part.labels, cut.labels)
    assert torch.equal(part.volumes, whole.volumes[first : first + count])
    assert read == batches.indices(7, 1)[first : first + count]


def test_seeds_and_repeats_differ(dataset: VolumeDataset) -> None:
    def order(seed: int, repeat: int = 0) -> list[int]:
        return [i for step in range(7) for i in Batches(dataset, 2, seed).indices(step, repeat)]

    assert order(0) != order(1)
    assert order(0) != order(0, repeat=1)


def test_shapes_and_one_hot_labels(dataset: VolumeDataset) -> None:
    batches = Batches(dataset, 4, 0)
    batch = batches.at(0)
    assert batch.volumes.shape == (4, 1, 8, 9, 10)
    assert batch.volumes.dtype == torch.float32
    assert batch.labels is not None
    expected = [dataset.label(index) for index in batches.indices(0)]
    assert batch.labels.argmax(1).tolist() == expected
    assert batch.labels.sum(1).tolist() == [1] * 4


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    assert Batches(VolumeDataset(filled(tmp_path / "s")), 2, 0).at(0).labels is None


def test_mirroring_swaps_left_and_right_of_about_half(dataset: VolumeDataset) -> None:
    plain, mirrored = Batches(dataset, 4, 0), Batches(dataset, 4, 0, mirror=True)
    swapped = 0
    for step in range(20):
        for a, b in zip(plain.at(step).volumes, mirrored.at(step).volumes, strict=True):
            if torch.equal(a.flip(-1), b):
                swapped += 1
            else:
                assert torch.equal(a, b)
    assert 25 <= swapped <= 55


@pytest.mark.parametrize("count", [1, 2, 5])
def test_batches_lie_as_torch_s_own_tensors_do(dataset: VolumeDataset, count: int) -> None:
    """Libraries choose their way by where memory begins; results must not vary with that."""
    kept = [Batches(dataset, count, 0).at(step).volumes for step in range(8)]
    assert {volumes.data_ptr() % 64 for volumes in kept} == {0}
    assert all(volumes.is_contiguous() for volumes in kept)


@pytest.fixture
def aged(tmp_path: Path) -> VolumeDataset:
    """Seven scans of three classes and seven ages."""
    store = filled(tmp_path / "aged", count=7)
    scans = [
        dataclasses.replace(item, label=int(item.id) % 3, covariates={"age": 10.0 * int(item.id)})
        for item in store.entries
    ]
    labelled = store.with_entries(scans, ("a", "b", "c"))
    return VolumeDataset(labelled, only_labelled=True, conditions=("age",))


def test_covariates_have_noise_of_silvermans_width_and_classes_none(aged: VolumeDataset) -> None:
    batches = Batches(aged, 4, seed=0)
    added = []
    for step in range(500):
        labels, clean = batches.at(step).labels, aged.labels(batches.indices(step))
        assert labels is not None
        assert clean is not None
        assert torch.equal(labels[:, :3], clean[:, :3])
        added.append(labels[:, 3] - clean[:, 3])
    noise = torch.cat(added)
    assert noise_spread(7) == pytest.approx(1.06 * 7 ** (-1 / 5))
    assert float(noise.std()) == pytest.approx(noise_spread(7), rel=0.05)
    assert float(noise.mean()) == pytest.approx(0, abs=0.05)
    assert len(noise.unique()) == 2000
    # Looking a scan up, as everything but training does, adds none.
    again = aged.labels([0, 1])
    assert again is not None
    assert torch.equal(again, aged.labels([0, 1]))  # type: ignore[arg-type]


def test_noise_depends_on_the_step_alone_and_is_cut_with_its_batch(aged: VolumeDataset) -> None:
    batches, same = Batches(aged, 4, seed=3), Batches(aged, 4, seed=3)
    for step, repeat in ((5, 0), (5, 1), (0, 0)):
        whole, part = batches.at(step, repeat).labels, same.part(step, repeat, 1, 2).labels
        assert whole is not None
        assert part is not None
        assert torch.equal(part, whole[1:3])


def test_noise_leaves_order_and_mirroring_as_they_were(
    dataset: VolumeDataset, aged: VolumeDataset
) -> None:
    plain, noisy = Batches(dataset, 3, 1, mirror=True), Batches(aged, 3, 1, mirror=True)
    for step in range(5):
        assert plain.indices(step) == noisy.indices(step)
        assert torch.equal(plain.at(step).volumes, noisy.at(step).volumes)

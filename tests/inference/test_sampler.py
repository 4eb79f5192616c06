"""Sampling: each volume on its own, in the units and the geometry of the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from hagan.data.store import Store
from hagan.data.volume import Volume
from hagan.errors import BadInputError, UsageError
from hagan.inference.export import Row, hash_of, regenerate
from hagan.inference.sampler import Sampler, geometry_of, to_volume
from hagan.training.live_memory import peak_of
from inference.made import save_run


@pytest.fixture(scope="module")
def sampler(run: Path) -> Sampler:
    return Sampler.from_run(run)


def same(one: Volume, other: Volume) -> bool:
    return np.array_equal(one.voxels, other.voxels)


def test_a_volume_is_the_same_alone_and_in_any_order(run: Path, sampler: Sampler) -> None:
    in_order = [sampler.sample(index, seed=7) for index in range(3)]
    torch.manual_seed(99)
    for index in (2, 0, 1):
        assert same(sampler.sample(index, seed=7), in_order[index])
    assert same(Sampler.from_run(run).sample(2, seed=7), in_order[2])


def test_sampling_leaves_the_global_generator_alone(sampler: Sampler) -> None:
    before = torch.get_rng_state()
    sampler.sample(0, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_seed_and_index_each_give_another_volume(sampler: Sampler) -> None:
    volumes = [sampler.sample(i, seed=s).voxels for s, i in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len({volume.tobytes() for volume in volumes}) == 4


def test_latents_are_standard_normal_and_unrelated(sampler: Sampler) -> None:
    drawn = torch.cat([sampler.latents(i, seed=s) for s in range(20) for i in range(50)])
    assert drawn.shape == (1000, 16)
    assert abs(float(drawn.mean())) < 0.03
    assert float(drawn.std()) == pytest.approx(1, abs=0.03)
    neighbours = torch.corrcoef(torch.stack([drawn[:-1].flatten(), drawn[1:].flatten()]))
    assert abs(float(neighbours[0, 1])) < 0.03


def test_truncation_shrinks_the_code_of_the_same_volume(sampler: Sampler) -> None:
    whole, half = sampler.latents(4, seed=1), sampler.latents(4, seed=1, truncation=0.5)
    assert torch.equal(half, 0.5 * whole)
    volume = sampler.sample(4, seed=1, truncation=0.5)
    assert same(volume, sampler.decode(0.5 * whole))
    assert not same(volume, sampler.sample(4, seed=1))


def test_ct_comes_in_whole_hounsfield_units_of_the_window(store: Store) -> None:
    array = np.linspace(-1, 1, 32**3, dtype=np.float32).reshape(32, 32, 32)
    volume = to_volume(array, store.geometry)
    assert volume.modality == "ct"
    assert (volume.voxels[0, 0, 0], volume.voxels[-1, -1, -1]) == (-1024, 600)
    np.testing.assert_array_equal(volume.voxels, np.rint(volume.voxels))
    np.testing.assert_allclose(volume.voxels, array * 812 - 212, atol=0.501)


def test_mr_comes_in_the_median_window_of_the_scans(mr_store: Store) -> None:
    highs = sorted(entry.window.high for entry in mr_store.entries)
    assert highs[0] < 0.8 * highs[1] < 0.64 * highs[2]
    array = np.full((32, 32, 32), -1, np.float32)
    array[0, 0] = 1
    array[0, 1] = 0.123
    volume = to_volume(array, mr_store.geometry)
    assert volume.modality == "mr"
    assert volume.voxels.min() == 0
    assert volume.voxels.max() == pytest.approx(highs[1], rel=1e-6)
    assert volume.voxels[0, 1, 0] == pytest.approx(1.123 / 2 * highs[1], rel=1e-6)


def test_spacing_and_affine_are_the_stores(sampler: Sampler, store: Store) -> None:
    volume = sampler.sample(0, seed=0)
    assert volume.shape == (32, 32, 32)
    # 24 slices of 10 mm, 30 rows and 28 columns of 9 mm, each stretched to 32.
    assert volume.spacing == pytest.approx((240 / 32, 270 / 32, 252 / 32))
    np.testing.assert_array_equal(volume.affine, np.array(store.geometry.affine))
    assert nib.aff2axcodes(volume.affine) == ("S", "P", "L")
    middle = volume.affine @ [15.5, 15.5, 15.5, 1]
    np.testing.assert_allclose(middle[:3], 0, atol=1e-9)


def test_a_model_without_data_gives_its_own_range_at_one_millimetre(tmp_path: Path) -> None:
    sampler = Sampler.from_run(save_run(tmp_path / "run", None))
    assert sampler.geometry is None
    volume = sampler.sample(0, seed=0)
    assert volume.modality == "unknown"
    assert volume.spacing == (1, 1, 1)
    assert nib.aff2axcodes(volume.affine) == ("S", "P", "L")
    assert -1 <= volume.voxels.min() < volume.voxels.max() <= 1


def test_a_class_changes_the_volume_and_nothing_else_is_drawn(labelled_run: Path) -> None:
    sampler = Sampler.from_run(labelled_run)
    first, second = (sampler.sample(0, seed=0, label=label) for label in (0, 1))
    assert not same(first, second)
    assert same(first, sampler.sample(0, seed=0, label=0))
    vector = sampler.labels(1)
    assert vector is not None
    assert vector.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("label", [None, -1, 2])
def test_a_missing_or_unknown_class_is_told_with_the_names(
    labelled_run: Path, label: int | None
) -> None:
    sampler = Sampler.from_run(labelled_run)
    with pytest.raises(UsageError, match=r"label from 0 to 1 \(ill, well\)"):
        sampler.sample(0, seed=0, label=label)


def test_an_unconditional_model_takes_no_class(sampler: Sampler) -> None:
    with pytest.raises(UsageError, match="unconditional"):
        sampler.sample(0, seed=0, label=0)


def test_geometry_comes_back_from_the_weights(sampler: Sampler, store: Store) -> None:
    assert geometry_of(sampler.loaded) == store.geometry


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no weights"):
        Sampler.from_run(tmp_path)


# Slab by slab.


@pytest.mark.parametrize("norm", ["rms", "group"])
@pytest.mark.parametrize("depth", [4, 12, 16])
def test_slabs_change_no_bit_of_a_volume(
    mr_store: Store, tmp_path: Path, norm: str, depth: int
) -> None:
    """In MR, which is not rounded."""
    run = save_run(tmp_path / "run", mr_store, high_norm=norm)
    whole = Sampler.from_run(run, stream="never")
    assert not whole.streams
    slabs = replace(whole, depth=depth)
    assert slabs.streams
    one, other = whole.sample(0, seed=5), slabs.sample(0, seed=5)
    assert same(one, other)
    np.testing.assert_array_equal(one.affine, other.affine)
    assert one.modality == other.modality == "mr"
    assert float(one.voxels.std()) > 1


@pytest.mark.parametrize("norm", ["rms", "group"])
def test_noise_has_no_seams_where_slabs_meet(mr_store: Store, tmp_path: Path, norm: str) -> None:
    run = save_run(tmp_path / "run", mr_store, high_norm=norm, noise=True)
    whole = Sampler.from_run(run, stream="never")
    quiet = whole.sample(0, seed=5)
    for parameter in whole.loaded.model.generator.high.noises.parameters():
        parameter.fill_(1.0)
    noisy = whole.sample(0, seed=5)
    assert float((noisy.voxels - quiet.voxels).std()) > 0.1 * float(quiet.voxels.std())
    for depth in (4, 12, 16):
        assert same(replace(whole, depth=depth).sample(0, seed=5), noisy)


def test_a_volume_made_slab_by_slab_is_made_again_in_one_pass(run: Path, tmp_path: Path) -> None:
    slabs = Sampler.from_run(run, stream="always")
    with slabs.sample_on_disk(3, seed=1, folder=tmp_path) as (volume, sha256):
        assert hash_of(volume) == sha256
        row = Row(file="a.npy", sha256=sha256, seed=1, index=3)
        made = regenerate(Sampler.from_run(run, stream="never"), row)
        assert same(made, volume)
        np.testing.assert_array_equal(made.affine, volume.affine)
        assert volume.modality == "ct"


def test_a_conditional_model_streams_the_class_that_was_asked(
    labelled_run: Path, tmp_path: Path
) -> None:
    slabs = Sampler.from_run(labelled_run, stream="always")
    whole = Sampler.from_run(labelled_run, stream="never")
    for label in (0, 1):
        with slabs.sample_on_disk(0, seed=0, label=label, folder=tmp_path) as (volume, _):
            assert same(volume, whole.sample(0, seed=0, label=label))
    with (
        pytest.raises(UsageError, match="label from 0 to 1"),
        slabs.sample_on_disk(0, seed=0, folder=tmp_path / "none"),
    ):
        pytest.fail("no label was given")
    assert not (tmp_path / "none").exists()


def test_a_small_volume_is_made_in_one_pass_unless_asked(run: Path) -> None:
    assert not Sampler.from_run(run).streams
    assert Sampler.from_run(run, stream="always").depth == 16


def test_slabs_take_less_memory(mr_store: Store, tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", mr_store, volume_shape=(64, 64, 64))
    whole = Sampler.from_run(run, stream="never")
    slabs = replace(whole, depth=8)
    codes = whole.latents(0, seed=0)
    floor = peak_of(lambda: whole.loaded.model.generator.common(codes))
    assert peak_of(lambda: whole.decode(codes)) > 2 * floor
    assert peak_of(lambda: slabs.decode(codes)) < 1.2 * floor

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from data.made import thorax
from data.made_head import made_head, needs_extra
from hagan.config.data import PrepareConfig
from hagan.data.morphology import dice
from hagan.data.protocols import check_hounsfield, prepare_volume, restore_volume
from hagan.data.step_picture import Step
from hagan.data.template import mni152
from hagan.data.volume import Volume
from hagan.errors import ScanError

AFFINE = np.array([[0, 0, -2.0, 20], [0, -2, 0, 24], [5, 0, 0, -30], [0, 0, 0, 1]])


def ct(hu: np.ndarray | None = None) -> Volume:
    return Volume((thorax() if hu is None else hu).astype(np.float32), AFFINE, "ct")


def head(seed: int = 0) -> Volume:
    """A bright ellipsoid 40 x 60 x 50 mm in a dark field of 120 mm, with noise inside only."""
    z, y, x = np.meshgrid(*(np.linspace(-60, 60, 61) for _ in range(3)), indexing="ij")
    inside = (z / 20) ** 2 + (y / 30) ** 2 + (x / 25) ** 2 < 1
    bright = np.random.default_rng(seed).uniform(100, 1000, inside.shape)
    affine = np.array([[0, 0, -2.0, 60], [0, -2, 0, 60], [2, 0, 0, -60], [0, 0, 0, 1]])
    return Volume(np.where(inside, bright, 0).astype(np.float32), affine)


def config(protocol: str, **changes: object) -> PrepareConfig:
    return PrepareConfig(protocol=protocol, volume_shape=(16, 24, 20), **changes)  # type: ignore


def refused(volume: Volume, settings: PrepareConfig, mask: Volume | None = None) -> str:
    with pytest.raises(ScanError) as caught:
        prepare_volume(volume, settings, mask, name="sub-1")
    assert "sub-1" in str(caught.value)
    return caught.value.code


def test_thorax_uses_the_window_of_the_paper_and_comes_back_in_hounsfield_units() -> None:
    same = PrepareConfig(protocol="thorax-ct", volume_shape=(12, 24, 20))
    array, placement = prepare_volume(ct(), same)
    assert (array.min(), array.max()) >= (-1, 0.5)
    restored = restore_volume(array, placement)
    expected = np.clip(thorax(), -1024, 600)
    np.testing.assert_allclose(restored.voxels, expected, atol=1e-3)
    np.testing.assert_array_equal(restored.affine, AFFINE)
    assert restored.modality == "ct"


def test_blank_slices_at_the_ends_are_trimmed_and_the_affine_follows() -> None:
    hu = np.full((20, 24, 20), -1024, np.int16)
    hu[3:15] = thorax()
    hu[8] = -1024  # a blank slice between others stays: the slices after it must not move
    array, placement = prepare_volume(
        ct(hu), PrepareConfig(protocol="thorax-ct", volume_shape=(12, 24, 20))
    )
    assert placement.crop == ((3, 15), (0, 24), (0, 20))
    assert placement.source_shape == (20, 24, 20)
    assert (array[5] == -1).all()
    origin = np.array(placement.affine)[:3, 3]
    np.testing.assert_allclose(origin, (20, 24, -30 + 3 * 5))


def test_thorax_that_is_blank_or_not_ct() -> None:
    assert refused(dataclasses.replace(ct(), modality="mr"), config("thorax-ct")) == "E122"
    assert refused(ct(), config("brain-t1")) == "E122"


@pytest.mark.parametrize(
    "hu",
    [
        thorax().astype(np.float32) + 1024,  # the intercept is lost
        thorax().astype(np.float32) - 1024,  # the intercept was applied twice
        thorax().astype(np.float32) / 1000,  # scaled
        (thorax().astype(np.float32) + 1000) * 0.3 - 700,  # squeezed
        np.clip(thorax(), 0, 255),
    ],
)
def test_numbers_that_are_no_hounsfield_units(hu: np.ndarray) -> None:
    with pytest.raises(ScanError, match=r"^E117 sub-1"):
        check_hounsfield(hu.astype(np.float32), "sub-1")


def test_padding_far_below_air_is_no_fault() -> None:
    hu = thorax().astype(np.float32)
    hu[:, :3] = -3024
    check_hounsfield(hu, "sub-1")


def test_brain_is_clipped_at_the_top_of_its_own_voxels() -> None:
    volume = head()
    _, placement = prepare_volume(volume, config("brain-t1"))
    inside = volume.voxels[volume.voxels > 0]
    assert placement.window.low == 0
    assert placement.window.high == pytest.approx(np.quantile(inside, 0.999))
    assert placement.modality == "mr"
    # Axial slices without brain go, the field in the plane stays: the paper's stretch.
    assert placement.crop[1:] == ((0, 61), (0, 61))
    assert placement.crop[0] == (21, 40)
    assert placement.spacing == pytest.approx((19 * 2 / 16, 61 * 2 / 24, 61 * 2 / 20))


def test_a_mask_blanks_what_is_not_brain() -> None:
    volume = head()
    skull = dataclasses.replace(volume, voxels=volume.voxels + 50)
    mask = dataclasses.replace(volume, voxels=(volume.voxels > 0).astype(np.float32) * 7)
    with_mask, placed = prepare_volume(skull, config("brain-t1"), mask)
    without, _ = prepare_volume(skull, config("brain-t1"))
    assert placed.crop[0] == (21, 40)
    assert (with_mask[:, 0] == -1).all()
    assert (without[:, 0] > -1).all()


def test_a_mask_must_fit() -> None:
    volume = head()
    ones = np.ones_like(volume.voxels)
    moved = volume.affine + np.array([[0, 0, 0, 1.0]] + [[0] * 4] * 3)
    assert refused(volume, config("brain-t1"), Volume(ones[1:], volume.affine)) == "E120"
    assert refused(volume, config("brain-t1"), Volume(ones, moved)) == "E120"
    assert refused(volume, config("brain-t1"), Volume(ones * 0, volume.affine)) == "E120"


def test_isotropic_keeps_proportions_and_fits_the_brain() -> None:
    shape = (32, 32, 32)
    settings = PrepareConfig(protocol="brain-t1", volume_shape=shape, isotropic=True)
    array, placement = prepare_volume(head(), settings)
    d, h, w = (np.ptp(np.flatnonzero((array > -0.9).any(axis=axes)))
               for axes in ((1, 2), (0, 2), (0, 1)))  # fmt: skip
    assert h >= 29
    assert d / h == pytest.approx(40 / 60, abs=0.08)
    assert w / h == pytest.approx(50 / 60, abs=0.08)
    assert len({round(size, 9) for size in placement.spacing}) == 1


def test_a_fixed_field_of_view_keeps_sizes_comparable() -> None:
    shape = (32, 32, 32)
    settings = PrepareConfig(
        protocol="brain-t1", volume_shape=shape, isotropic=True, field_of_view_mm=96.0
    )
    _, placement = prepare_volume(head(), settings)
    assert placement.spacing == pytest.approx((3, 3, 3))
    small = dataclasses.replace(settings, field_of_view_mm=50.0)
    assert refused(head(), small) == "E122"


def test_the_middle_of_the_brain_stays_where_it_is_in_the_world() -> None:
    for isotropic in (False, True):
        settings = PrepareConfig(protocol="brain-t1", volume_shape=(32,) * 3, isotropic=isotropic)
        array, placement = prepare_volume(head(), settings)
        weights = array + 1
        middle = [float((np.indices(array.shape)[axis] * weights).sum() / weights.sum())
                  for axis in range(3)]  # fmt: skip
        world = np.array(placement.affine) @ (*middle, 1)
        np.testing.assert_allclose(world[:3], 0, atol=0.3)


def test_generic_takes_quantiles_or_the_window_that_is_given() -> None:
    volume = Volume(np.random.default_rng(0).normal(0, 1, (20, 20, 20)).astype(np.float32), AFFINE)
    _, placement = prepare_volume(volume, config("generic"))
    assert placement.window.low == pytest.approx(np.quantile(volume.voxels, 0.001))
    assert placement.window.high == pytest.approx(np.quantile(volume.voxels, 0.999))
    assert placement.crop == ((0, 20),) * 3
    _, placement = prepare_volume(volume, config("generic", window=(-5.0, 5.0)))
    assert (placement.window.low, placement.window.high) == (-5, 5)


def test_nothing_left_is_a_fault() -> None:
    volume = Volume(np.random.default_rng(0).random((20, 20, 20)).astype(np.float32), AFFINE)
    assert refused(volume, config("generic", window=(5.0, 6.0))) == "E106"
    assert refused(dataclasses.replace(volume, voxels=-volume.voxels), config("brain-t1")) == "E122"
    nearly = np.zeros((20, 20, 20), np.float32)
    nearly[0, 0, 0] = 1
    assert refused(dataclasses.replace(volume, voxels=nearly), config("generic")) == "E106"


def lying() -> Volume:
    """A chest of 200 x 160 mm somewhere in a field of 300 mm, a table under it."""
    hu = np.full((30, 60, 60), -1000, np.float32)
    hu[:, 10:42, 15:55] = 40
    hu[6:24, 16:36, 20:32] = hu[6:24, 16:36, 38:50] = -850
    hu[:, 44:46, 2:58] = 300
    affine = np.array([[0, 0, -5.0, 150], [0, -5, 0, 150], [5, 0, 0, -75], [0, 0, 0, 1]])
    return Volume(hu, affine, "ct")


def test_the_body_alone_is_kept_and_its_box_fills_the_grid() -> None:
    steps = list[Step]()
    settings = PrepareConfig(protocol="thorax-ct", volume_shape=(30, 32, 40), crop="body")
    array, placement = prepare_volume(lying(), settings, watch=steps.append)
    (_, back), (top, bottom) = (placement.crop[axis] for axis in (0, 1))
    assert back == 30
    assert (top, bottom) == pytest.approx((10, 42), abs=1)
    assert placement.crop[2] == pytest.approx((15, 55), abs=1)
    assert placement.source_shape == (30, 60, 60)
    assert array[15, 20, 20] > 0.2
    # The table is bright; what is left of its place is air.
    restored = restore_volume(array, placement)
    assert restored.voxels.max() < 100
    np.testing.assert_allclose(
        restored.affine[:3, 3], (lying().affine @ [0, top, placement.crop[2][0], 1])[:3], atol=1e-6
    )
    assert [step.label for step in steps] == [
        "scan, body outlined",
        "lungs, outlined",
        "airways, outlined",
        "bone, outlined",
        "stored",
    ]


def test_a_body_keeps_its_proportions_if_asked() -> None:
    settings = PrepareConfig(
        protocol="thorax-ct", volume_shape=(32, 32, 32), crop="body", isotropic=True
    )
    _, placement = prepare_volume(lying(), settings)
    assert placement.spacing == pytest.approx((200 / 32,) * 3, rel=0.06)


def test_a_head_is_checked_before_its_brain_is_searched() -> None:
    volume = head()
    from_head = config("brain-t1", from_head=True)
    assert refused(dataclasses.replace(volume, modality="ct"), from_head) == "E122"
    assert refused(dataclasses.replace(volume, voxels=-volume.voxels), from_head) == "E122"
    ones = Volume(np.ones_like(volume.voxels)[1:], volume.affine)
    assert refused(volume, from_head, ones) == "E120"


@needs_extra
@pytest.mark.slow
def test_a_head_becomes_a_brain_in_the_templates_space_and_the_way_back_is_kept() -> None:
    made, steps = made_head(), list[Step]()
    mask = Volume(made.brain.astype(np.float32), made.head.affine)
    settings = PrepareConfig(
        protocol="brain-t1",
        volume_shape=(64, 64, 64),
        from_head=True,
        isotropic=True,
        field_of_view_mm=224.0,
    )
    array, placement = prepare_volume(made.head, settings, mask, watch=steps.append)
    restored = restore_volume(array, placement)
    assert placement.spacing == pytest.approx((3.5,) * 3)
    assert placement.source_shape == made.head.shape
    assert [step.label for step in steps][-1] == "stored"
    # In the template's space the template is where the brain is,
    index = np.argwhere(array > -0.3)  # less its rim, where coarse voxels hold little brain
    world = index @ restored.affine[:3, :3].T + restored.affine[:3, 3]
    template = mni152()
    place = np.rint(np.linalg.solve(template.brain.affine, np.c_[world, np.ones(len(world))].T))
    assert np.mean(template.mask[tuple(place[:3].astype(int))]) > 0.9
    # and in the scanner's the head's own brain.
    there = placement.scanner_affine @ np.c_[index, np.ones(len(index))].T
    place = np.rint(np.linalg.solve(made.head.affine, there))[:3].astype(int)
    found = np.zeros(made.brain.shape, bool)
    found[tuple(place)] = True
    assert np.mean(made.brain[tuple(place)]) > 0.97
    assert dice(found, made.brain) > 0.2  # coarse voxels hit some of the fine ones


def test_ready_brains_are_taken_as_they_are() -> None:
    _, placement = prepare_volume(head(), config("brain-t1"))
    assert placement.to_scanner is None

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from hagan.data.transforms import box_above, crop, fit, resize, to_canonical
from hagan.data.volume import CANONICAL_AXES, Volume


def world_of(volume: Volume) -> NDArray[np.float64]:
    """World coordinates [3, d, h, w] of every voxel."""
    index = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return world.reshape(3, *volume.shape)


def ramp(shape: tuple[int, int, int], affine: NDArray[np.float64]) -> Volume:
    """A volume whose intensity says where in the world each voxel lies."""
    empty = Volume(np.zeros(shape, np.float32), affine)
    x, y, z = world_of(empty)
    return Volume((x + 10 * y + 100 * z).astype(np.float32), affine)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_every_orientation_becomes_s_p_l_without_moving_a_voxel(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * np.array(signs) * (1.0, 2.0, 3.0)
    affine[:3, 3] = (5, 6, 7)
    canonical = to_canonical(ramp((4, 5, 6), affine))
    assert nib.aff2axcodes(canonical.affine) == CANONICAL_AXES
    x, y, z = world_of(canonical)
    np.testing.assert_allclose(canonical.voxels, x + 10 * y + 100 * z, rtol=1e-5)


def test_an_oblique_scan_is_not_resampled() -> None:
    angle = np.radians(20)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-1.0, -1.0, 3.0])
    volume = ramp((6, 5, 4), affine)
    canonical = to_canonical(volume)
    assert sorted(canonical.voxels.ravel()) == sorted(volume.voxels.ravel())
    x, y, z = world_of(canonical)
    np.testing.assert_allclose(canonical.voxels, x + 10 * y + 100 * z, atol=1e-3)


@pytest.mark.parametrize("shape", [(6, 7, 5), (24, 30, 28), (9, 31, 14), (12, 16, 20)])
def test_resize_puts_every_voxel_where_its_affine_says(shape: tuple[int, int, int]) -> None:
    affine = np.array([[0, 0, -1.5, 9], [0, -2, 0, 4], [3, 0, 0, -7], [0, 0, 0, 1.0]])
    small = resize(ramp((12, 16, 20), affine), shape)
    x, y, z = world_of(small)
    # At the border the filter sees one side only; inside, a linear ramp must come out exact.
    inner = tuple(slice(n // 4, n - n // 4) for n in shape)
    np.testing.assert_allclose(small.voxels[inner], (x + 10 * y + 100 * z)[inner], atol=0.02)


@pytest.mark.parametrize("shape", [(6, 8, 5), (24, 32, 40), (3, 50, 20)])
def test_resize_keeps_the_outer_faces(shape: tuple[int, int, int]) -> None:
    affine = np.array([[0, 0, -1.5, 9], [0, -2, 0, 4], [3, 0, 0, -7], [0, 0, 0, 1.0]])
    before = Volume(np.ones((12, 16, 20), np.float32), affine)
    after = resize(before, shape)
    for volume in (before, after):
        near = volume.affine @ (-0.5, -0.5, -0.5, 1)
        far = volume.affine @ (*(n - 0.5 for n in volume.shape), 1)
        np.testing.assert_allclose(near[:3], (9.75, 5, -8.5))
        np.testing.assert_allclose(far[:3], (-20.25, -27, 27.5))
    np.testing.assert_allclose(after.voxels, 1, rtol=1e-6)


def test_what_the_new_grid_cannot_show_is_averaged_and_not_aliased() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (48, 48, 48)).astype(np.float32)
    small = resize(Volume(noise, np.eye(4)), (12, 12, 12)).voxels
    # Sampling every fourth voxel without a filter would leave at least a third of the noise.
    assert small[1:-1, 1:-1, 1:-1].std() < 0.1


def test_resize_to_the_same_shape_changes_nothing() -> None:
    volume = ramp((5, 6, 7), np.eye(4))
    same = resize(volume, (5, 6, 7))
    np.testing.assert_array_equal(same.voxels, volume.voxels)
    np.testing.assert_array_equal(same.affine, volume.affine)


def test_fit_keeps_proportions_and_pads_with_the_background() -> None:
    affine = np.diag([4.0, 1.0, 1.0, 1.0])
    volume = Volume(np.full((10, 20, 30), 7, np.float32), affine)  # 40 x 20 x 30 mm
    cube = fit(volume, (20, 20, 20), 2.0, background=-1)
    assert cube.spacing == (2.0, 2.0, 2.0)
    np.testing.assert_allclose(cube.voxels[1:-1, 6:14, 3:17], 7, rtol=1e-5)
    np.testing.assert_allclose(cube.voxels[:, :4], -1, rtol=1e-5)
    # The middle stays the middle.
    before = volume.affine @ (4.5, 9.5, 14.5, 1)
    after = cube.affine @ (9.5, 9.5, 9.5, 1)
    np.testing.assert_allclose(before, after)


def test_fit_puts_every_voxel_where_its_affine_says() -> None:
    volume = ramp((12, 16, 20), np.diag([3.0, 2.0, 1.5, 1.0]))
    cube = fit(volume, (18, 18, 18), 2.4, background=0)
    x, y, z = world_of(cube)
    inner = (slice(5, 13),) * 3
    np.testing.assert_allclose(cube.voxels[inner], (x + 10 * y + 100 * z)[inner], atol=0.02)


def test_crop_moves_the_origin() -> None:
    volume = ramp((6, 7, 8), np.diag([3.0, -2.0, 1.5, 1.0]))
    part = crop(volume, ((1, 4), (2, 7), (0, 5)))
    assert part.shape == (3, 5, 5)
    x, y, z = world_of(part)
    np.testing.assert_allclose(part.voxels, x + 10 * y + 100 * z)


def test_box_above() -> None:
    voxels = np.zeros((6, 7, 8), np.float32)
    assert box_above(voxels, 0) is None
    voxels[2, 3, 4] = voxels[3, 3, 6] = 1
    assert box_above(voxels, 0) == ((2, 4), (3, 4), (4, 7))

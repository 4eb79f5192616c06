"""Patches: cut where they should be, surrounded by the scale before, and a volume again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.evaluation.seams import Seams
from hagan.networks.patch_grid import Corner, around, assembled, shares, starts, window


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("edge", [True, False])
@pytest.mark.parametrize("corner", [(2, 3, 1), (-3, 4, 6), (-2, -5, -1)])
def test_a_window_goes_on_beyond_the_faces(corner: Corner, edge: bool) -> None:
    volumes = noise(2, 1, 8, 9, 10)
    mode = {"mode": "edge"} if edge else {"mode": "constant", "constant_values": -1.0}
    padded = np.pad(volumes.numpy(), [(0, 0), (0, 0), *[(9, 9)] * 3], **mode)  # type: ignore[call-overload]
    z, y, x = (start + 9 for start in corner)
    expected = padded[:, :, z : z + 7, y : y + 7, x : x + 7]
    assert np.array_equal(window(volumes, corner, 7, edge=edge).numpy(), expected)


@pytest.mark.parametrize("corner", [(0, 0, 0), (4, 8, 2), (8, 8, 8), (0, 6, 8)])
def test_surroundings_are_the_doubled_volume_and_twice_the_field(corner: Corner) -> None:
    """At 24 voxels a side, patches of 16 from face to face."""
    low = noise(2, 1, 12, 12, 12)
    made = around(low, corner, 16)
    assert made.shape == (2, 2, 16, 16, 16)
    doubled = functional.interpolate(low, scale_factor=2.0, mode="trilinear")
    z, y, x = corner
    expected = doubled[:, 0, z : z + 16, y : y + 16, x : x + 16]
    torch.testing.assert_close(made[:, 0], expected, rtol=0, atol=1e-12)
    padded = functional.pad(low, (16,) * 6, value=-1.0)
    z, y, x = (16 + start // 2 - 4 for start in corner)
    assert torch.equal(made[:, 1], padded[:, 0, z : z + 16, y : y + 16, x : x + 16])


def test_both_surroundings_have_one_centre() -> None:
    """A ramp is at the same height in the middle of both, and twice as steep in the wide one."""
    ramp = torch.arange(32.0, dtype=torch.float64)[:, None, None].expand(1, 1, 32, 32, 32)
    doubled, wide = around(ramp, (24, 24, 24), 16)[0]
    assert float(doubled.mean()) == pytest.approx(float(wide.mean()))
    steps = [float(part[9, 0, 0] - part[8, 0, 0]) for part in (doubled, wide)]
    assert steps == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("size", "side", "stride", "expected"),
    [
        (64, 32, 20, [0, 20, 32]),
        (32, 32, 20, [0]),
        (52, 32, 20, [0, 20]),
        (128, 32, 20, [0, 20, 40, 60, 80, 96]),
    ],
)
def test_patches_start_at_strides_and_end_at_the_face(
    size: int, side: int, stride: int, expected: list[int]
) -> None:
    assert starts(size, side, stride) == expected


@pytest.mark.parametrize("stride", [2, 8, 10])
@pytest.mark.parametrize("size", [16, 18, 32, 44])
def test_shares_add_up_to_one_in_every_voxel(size: int, stride: int) -> None:
    total = torch.zeros(size)
    for start, share in zip(starts(size, 16, stride), shares(size, 16, 10, stride), strict=True):
        total[start : start + 16] += share
    torch.testing.assert_close(total, torch.ones(size), rtol=0, atol=1e-6)


def test_a_patch_counts_in_its_inner_part_and_up_to_the_faces() -> None:
    first, middle, last = shares(32, 16, 8, 8)
    whole, none = torch.ones(1), torch.zeros(1)
    assert torch.equal(first, torch.cat([whole.expand(12), none.expand(4)]))
    assert torch.equal(middle, torch.cat([none.expand(4), whole.expand(8), none.expand(4)]))
    assert torch.equal(last, first.flip(0))


@pytest.mark.parametrize(("inner", "stride"), [(8, 8), (10, 8), (16, 16), (10, 4)])
@pytest.mark.parametrize("shape", [(32, 32, 32), (16, 44, 24)])
def test_patches_of_a_volume_are_that_volume(shape: Corner, inner: int, stride: int) -> None:
    volumes = noise(2, 1, *shape)
    again = assembled(
        shape,
        2,
        lambda corner: window(volumes, corner, 16, edge=False),
        side=16,
        inner=inner,
        stride=stride,
        like=volumes,
    )
    torch.testing.assert_close(again, volumes, rtol=0, atol=1e-6)


def patchwork(inner: int, stride: int, side: int = 64, offset: float = 0.1) -> Tensor:
    """The same texture in a volume made of patches, each brighter or darker by its own offset."""
    torch.manual_seed(4)
    volume = 0.1 * torch.randn(1, 1, side, side, side)

    def make(corner: Corner) -> Tensor:
        return window(volume, corner, 16, edge=False) + offset * torch.randn(1, 1, 1, 1, 1)

    like = torch.zeros(())
    return assembled((side, side, side), 1, make, side=16, inner=inner, stride=stride, like=like)


def test_where_patches_differ_only_single_ones_and_means_are_left() -> None:
    """Without overlap of inner parts each voxel is that of one patch; with it some are means."""
    made: dict[Corner, Tensor] = {}

    def make(corner: Corner) -> Tensor:
        made[corner] = noise(1, 1, 16, 16, 16)
        return made[corner]

    volume = assembled((32, 32, 32), 1, make, side=16, inner=10, stride=8, like=noise(1))
    middle = made[8, 8, 8]
    assert torch.equal(volume[..., 13:19, 13:19, 13:19], middle[..., 5:11, 5:11, 5:11])
    ahead = made[16, 8, 8]
    both = 0.5 * (middle[..., 11:13, 5:11, 5:11] + ahead[..., 3:5, 5:11, 5:11])
    torch.testing.assert_close(volume[..., 19:21, 13:19, 13:19], both, rtol=0, atol=1e-7)
    assert torch.equal(volume[..., :11, :11, :11], made[0, 0, 0][..., :11, :11, :11])


def test_seams_of_patches_are_measured_and_less_with_overlap() -> None:
    """Slabs of eight slices are the period of the grid; with 16 kept, two patches share a voxel."""
    made = (patchwork(8, 8, offset=0.0), patchwork(16, 8), patchwork(8, 8))
    none, averaged, single = (float(Seams(8)(volume[0, 0].numpy())[1]) for volume in made)
    assert none < averaged < single
    assert single > 3 * none

"""The learned volume that G adds: its grid, how it is stretched, and what it begins with."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from hagan.networks.ha_gan.template import Template, before_tanh, stretched


@pytest.mark.parametrize(
    ("shape", "grid"),
    [
        ((32, 32, 32), (32, 32, 32)),
        ((64, 48, 56), (64, 48, 56)),
        ((96, 80, 96), (48, 40, 48)),
        ((512, 512, 256), (64, 64, 32)),
    ],
)
def test_no_axis_of_the_grid_is_longer_than_64(
    shape: tuple[int, int, int], grid: tuple[int, int, int]
) -> None:
    assert Template(shape).grid.shape[2:] == grid


@pytest.mark.parametrize("step", [1, 2, 4, 8])
def test_planes_are_those_of_torchs_trilinear_stretching(step: int) -> None:
    torch.manual_seed(step)
    grids = torch.randn(2, 1, 5, 4, 6, dtype=torch.float64)
    oracle = functional.interpolate(grids, scale_factor=step, mode="trilinear", align_corners=False)
    assert (stretched(grids, step, 0, 5 * step) - oracle).abs().max() < 1e-12
    for start, count in ((0, 1), (1, 3), (5 * step - 2, 2), (step, 2 * step)):
        own = stretched(grids, step, start, count)
        assert (own - oracle[:, :, start : start + count]).abs().max() < 1e-12, (start, count)


def test_parts_are_those_of_the_whole_bit_for_bit() -> None:
    torch.manual_seed(0)
    grids = torch.randn(2, 1, 8, 8, 8, requires_grad=True)
    whole = stretched(grids, 4, 0, 32)
    kept = grids.clone()
    with torch.no_grad():
        assert torch.equal(stretched(grids, 4, 0, 32), whole)
    assert torch.equal(grids, kept)
    for start, count in ((0, 4), (3, 5), (31, 1), (8, 24)):
        assert torch.equal(stretched(grids, 4, start, count), whole[:, :, start : start + count])


def test_it_begins_as_the_mean_and_is_learned() -> None:
    torch.manual_seed(0)
    template = Template((128, 128, 128)).double()
    assert template.is_empty
    volumes = torch.rand(3, 1, 128, 128, 128, dtype=torch.float64) * 1.9 - 0.95
    mean = template.shrink(volumes).mean(dim=0, keepdim=True)
    template.begin(mean)
    assert not template.is_empty
    nothing = torch.zeros(2, 1, 128, 128, 128, dtype=torch.float64)
    assert (torch.tanh(template.grid) - mean).abs().max() < 1e-12
    whole = template(nothing)
    assert (whole - stretched(template.grid, 2, 0, 128)).abs().max() == 0
    template(nothing[:, :, :4], start=40).sum().backward()
    gradient = template.grid.grad
    assert gradient is not None
    touched = gradient[0, 0].flatten(1).abs().sum(dim=1).nonzero().flatten()
    assert touched.tolist() == [19, 20, 21, 22]


def test_air_stays_where_tanh_still_learns() -> None:
    volume = torch.tensor([-1.0, 0.0, 0.5, 1.0], dtype=torch.float64).view(1, 1, 1, 1, 4)
    back = torch.tanh(before_tanh(volume))
    assert back.flatten().tolist() == pytest.approx([-0.998, 0, 0.5, 0.998], abs=1e-12)

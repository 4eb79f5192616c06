"""Noise that follows from the code and the place: its distribution, its seeds, its cuts."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.ha_gan.noise import MASK, VoxelNoise, mixed, normal_noise, seeds_of

GRID = (48, 40, 44)


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack((one.flatten(), other.flatten())))[0, 1])


def test_noise_is_standard_normal_and_no_voxel_tells_of_another() -> None:
    """84,480 numbers: a mean is within 0.0034 and a correlation within 0.0034 for one sd."""
    seeds = seeds_of(torch.randn(2, 16))
    both = normal_noise(seeds, 0, 0, GRID).double()
    noise = both[0, 0]
    assert both.shape == (2, 1, *GRID)
    assert abs(float(noise.mean())) < 0.015
    assert abs(float(noise.std()) - 1) < 0.01
    # Fourth moment and the share beyond three deviations of a normal distribution.
    assert abs(float(noise.pow(4).mean()) - 3) < 0.15
    assert abs(float((noise.abs() > 3).double().mean()) - 0.0027) < 0.0009
    for axis in range(3):
        for step in (1, 2, 4):
            kept = noise.shape[axis] - step
            near = correlation(noise.narrow(axis, 0, kept), noise.narrow(axis, step, kept))
            assert abs(near) < 0.015, (axis, step)
    assert abs(correlation(both[0], both[1])) < 0.015
    assert abs(correlation(both[0], normal_noise(seeds, 1, 0, GRID)[0].double())) < 0.015
    # Nor does the size of one number tell of that of its neighbour.
    assert abs(correlation(noise[1:].square(), noise[:-1].square())) < 0.015


def test_codes_next_to_each_other_have_noise_that_is_not() -> None:
    codes = torch.zeros(3, 4)
    codes[1, 0] = codes[2, 1] = 1e-5
    seeds = seeds_of(codes)
    assert len(set(seeds.tolist())) == 3
    noise = normal_noise(seeds, 0, 0, GRID).double()
    assert abs(correlation(noise[0], noise[1])) < 0.015
    assert abs(correlation(noise[1], noise[2])) < 0.015


def test_a_seed_follows_from_the_numbers_of_the_code_alone() -> None:
    codes = torch.randn(500, 8)
    seeds = seeds_of(codes)
    assert seeds.dtype == torch.int64
    assert len(set(seeds.tolist())) == 500
    # Neither from its neighbours in a batch, nor from its type, nor from the sign of a zero.
    assert torch.equal(seeds_of(codes[3:4]), seeds[3:4])
    assert torch.equal(seeds_of(codes.double()), seeds)
    assert torch.equal(seeds_of(torch.zeros(1, 8)), seeds_of(-torch.zeros(1, 8)))
    turned = codes.flip(1)
    assert not bool((seeds_of(turned) == seeds).any())


def test_hashes_stay_in_32_bits_and_change_half_of_them() -> None:
    numbers = torch.cat((torch.arange(5000), MASK - torch.arange(5000)))
    hashes = mixed(numbers)
    assert int(hashes.min()) >= 0
    assert int(hashes.max()) <= MASK
    assert len(set(hashes.tolist())) == len(numbers)
    for bit in (0, 7, 16, 31):
        changed = hashes ^ mixed(numbers ^ (1 << bit))
        share = torch.stack([(changed >> place & 1).double().mean() for place in range(32)])
        assert 0.4 < float(share.min()) <= float(share.max()) < 0.6, bit


@pytest.mark.parametrize("start", [0, 1, 17, 40])
def test_planes_made_alone_are_those_of_the_whole(start: int) -> None:
    seeds = seeds_of(torch.randn(3, 16))
    whole = normal_noise(seeds, 2, 0, GRID)
    part = normal_noise(seeds, 2, start, (8, *GRID[1:]))
    assert torch.equal(part, whole[:, :, start : start + 8])
    assert torch.equal(normal_noise(seeds[1:2], 2, 0, GRID), whole[1:2])


def test_noise_is_that_of_earlier_versions() -> None:
    """A manifest promises that a volume can be made again."""
    seeds = seeds_of(torch.tensor([[0.5, -1.25, 3.0]]))
    assert seeds.tolist() == [291520545]
    noise = normal_noise(seeds, 1, 5, (1, 2, 2)).flatten()
    torch.testing.assert_close(noise, torch.tensor([1.5892285, 1.9992869, 0.4354363, -0.4307068]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_noise_is_the_same_on_every_device() -> None:
    """The hashes to the bit; logarithm and cosine up to their rounding."""
    codes = torch.randn(2, 16)
    seeds, on_cuda = seeds_of(codes), seeds_of(codes.cuda())
    assert torch.equal(on_cuda.cpu(), seeds)
    found = normal_noise(on_cuda, 1, 5, GRID).cpu()
    torch.testing.assert_close(found, normal_noise(seeds, 1, 5, GRID), rtol=0, atol=1e-5)


def test_the_gain_begins_at_nothing_and_learns() -> None:
    layer = VoxelNoise(0, 4)
    features = torch.randn(2, 4, 6, 6, 6, requires_grad=True)
    seeds = seeds_of(torch.randn(2, 16))
    made = layer(features, seeds, 3)
    assert torch.equal(made, features)
    made.square().sum().backward()
    assert float(layer.gain.grad.abs().min()) > 0
    torch.nn.init.constant_(layer.gain, 0.5)
    expected = features + 0.5 * normal_noise(seeds, 0, 3, (6, 6, 6))
    torch.testing.assert_close(layer(features, seeds, 3), expected)
    assert layer(features.bfloat16(), seeds, 3).dtype == torch.bfloat16

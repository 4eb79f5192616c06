"""Noise of StyleGAN 2: fixed for use, and a function of each volume's seed in training."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.style_noise import fixed_noises, seeded_noises


def test_fixed_noise_is_the_same_each_time_and_of_no_other_layer() -> None:
    grids = [(3, 3, 3), (3, 3, 3)]
    torch.manual_seed(0)
    first = list(fixed_noises(grids, torch.zeros(())))
    state = torch.get_rng_state()
    second = list(fixed_noises(grids, torch.zeros(())))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[1])


def test_seeded_noise_is_a_volumes_own() -> None:
    grids = [(2, 3, 4), (6, 5, 4)]
    seeds = torch.tensor([[3.0], [2.0**53 - 1], [3.0]], dtype=torch.float64)
    whole = list(seeded_noises(grids, seeds, torch.zeros(())))
    assert [tuple(noise.shape) for noise in whole] == [(3, 1, 2, 3, 4), (3, 1, 6, 5, 4)]
    for noise, alone in zip(whole, seeded_noises(grids, seeds[2:], torch.zeros(())), strict=True):
        assert torch.equal(noise[2:], alone)
        assert torch.equal(noise[0], noise[2])
        assert not torch.equal(noise[0], noise[1])
    many = next(seeded_noises([(20, 20, 20)], torch.arange(10.0)[:, None], torch.zeros(())))
    assert float(many.std()) == pytest.approx(1, abs=0.02)
    assert abs(float(torch.corrcoef(many.flatten(1)).fill_diagonal_(0).abs().max())) < 0.05

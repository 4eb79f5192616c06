"""The stem of few weights."""

from __future__ import annotations

import torch

from hagan.networks.ha_gan.basis import Basis


def test_each_channel_is_its_learned_grid_times_a_number_from_the_code() -> None:
    torch.manual_seed(0)
    basis = Basis(5, 3, (2, 3, 4)).double()
    codes = torch.randn(2, 5).double()
    made = basis(codes)
    scales = codes @ basis.scale.weight.t() + basis.scale.bias
    for volume in range(2):
        for channel in range(3):
            expected = scales[volume, channel] * basis.grid[channel]
            torch.testing.assert_close(made[volume, channel], expected, rtol=0, atol=1e-12)
    made.sum().backward()
    assert basis.grid.grad is not None
    assert bool((basis.grid.grad != 0).all())


def test_it_has_a_hundredth_of_the_weights_of_a_linear_layer() -> None:
    with torch.device("meta"):
        basis = Basis(128, 512, (4, 4, 4))
        linear = torch.nn.Linear(1024, 512 * 64)
    count = sum(p.numel() for p in basis.parameters())
    assert count == 512 * 64 + 129 * 512
    assert count < sum(p.numel() for p in linear.parameters()) / 300
